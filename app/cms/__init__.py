"""RFC 5652 as DER."""
