"""What may be wrong with a message as octets, and with the addresses in it."""


class MalformedMessage(ValueError):
    """The octets are not what RFC 5322 or RFC 2045 call a message; the text says why."""


class MalformedAddress(ValueError):
    """The text is not an address, or not a list of them; the text of the error says why."""
