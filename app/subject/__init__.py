"""Marks in the subject: put on, and taken off."""
