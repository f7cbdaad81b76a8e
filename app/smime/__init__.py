"""RFC 8551: kinds of message, signing, verifying, encrypting, decrypting."""
