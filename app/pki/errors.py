"""What can be wrong with what we are given: certificates, key files, sealed keys."""


class MalformedCertificate(ValueError):
    """The octets are no certificate, or none that RFC 5280 §4.1 knows."""


class MalformedKeyFile(ValueError):
    """The octets hold no private key with its certificate that can be read."""


class WrongPassword(ValueError):
    """The key file is whole, but this password does not open it."""


class CannotUnseal(ValueError):
    """The sealed octets, the master key and the context do not belong together."""


class CannotFetch(ValueError):
    """A URL may not be asked, or what is there was not to be had."""
