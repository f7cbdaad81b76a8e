"""Messages as octets: RFC 5322 and RFC 2045 without ever writing out what was parsed."""
