"""What is stored and decided."""
