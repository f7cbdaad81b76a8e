"""What the vectors were made from; only ``tools/vectors.py`` reads this, never a test."""
