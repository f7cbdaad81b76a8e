"""RFC 5322 and RFC 2045 as octets."""
