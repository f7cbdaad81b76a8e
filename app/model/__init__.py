"""What is stored and what is decided: the database, the key ring, the partner book, policy and plan."""
