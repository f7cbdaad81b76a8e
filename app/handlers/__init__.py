"""Salmon state functions and nothing else."""
