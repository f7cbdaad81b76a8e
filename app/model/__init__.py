"""What is stored and what is decided: database, key ring, partner book, policy and plan."""
