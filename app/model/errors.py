"""The kinds of bad news that this package has for its callers."""


class Refused(ValueError):
    """A change that was not made: one line that says why and what to do. Nothing is half stored."""


class WouldWait(Exception):
    """The database was asked where nobody may wait for it; ask again where one may."""


class StoreUnavailable(OSError):
    """The database does not answer. Mail is deferred with 451, never passed on in clear (T8)."""


class Unreadable(StoreUnavailable):
    """What is stored about this correspondent or key cannot be read; other mail goes on."""


class CannotLookUp(OSError):
    """An on-line source gave no answer that counts. That is never "there is none" (T88)."""
