"""What may go wrong with a message as octets."""


class MalformedMessage(ValueError):
    """The octets are not what RFC 5322 or RFC 2045 call a message; the text says where and why."""
