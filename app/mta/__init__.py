"""RFC 5321: in, through the machine, and out."""
