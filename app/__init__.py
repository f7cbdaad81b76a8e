"""Sealmon: an S/MIME gateway as a Salmon application."""
