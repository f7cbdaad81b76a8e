"""RFC 5280: certificates, certification paths, keys."""
