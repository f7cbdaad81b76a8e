"""The named errors of the CMS package: nothing else leaves it, whatever the octets are."""


class MalformedCms(ValueError):
    """The octets are no complete object of the kind that was asked for."""


class UnsupportedCms(ValueError):
    """The object is well formed and uses something we do not do; said before any key is used."""


class TooLarge(ValueError):
    """The object is over one of the limits."""


class NotForThisKey(ValueError):
    """No RecipientInfo names the certificate."""


class CannotDecrypt(ValueError):
    """The one answer for every failure after a key was used.

    It never says what went wrong: a difference that a sender can see is an oracle.
    """

    def __init__(self) -> None:
        super().__init__("the content could not be decrypted")
