"""What may leave: octets with the permit to leave.

A permit is either Sealed, which only encrypt() makes, or ClearAllowed, which only plan() makes.
Without one nothing passes; this is the last place that looks before the wire (design 1, 12).
"""

from collections.abc import Sequence

from app.model.plan import ClearAllowed
from app.smime.encrypt import Sealed


class Cargo:
    """A message and what allows it to leave.

    With Sealed the body must be the sealed one to the octet; fields may be put on top. Octets in
    clear may go to the recipients that a permit names and to nobody else, so a group that shares
    them hands over the permit of each, in a tuple. Raises TypeError when there is no permit.
    """

    __slots__ = ("_clear_for", "_is_sealed", "octets")

    def __init__(self, octets: bytes, permit: object) -> None:
        permits = permit if isinstance(permit, tuple) else (permit,)
        if type(octets) is not bytes:
            raise TypeError("a message is bytes")
        if not permits or not all(isinstance(one, Sealed | ClearAllowed) for one in permits):
            raise TypeError("no permit to leave")
        sealed = [one for one in permits if isinstance(one, Sealed)]
        if not all(_has_body_of(octets, one.octets) for one in sealed):
            raise TypeError("these octets are not the sealed ones")
        self.octets = octets
        self._is_sealed = bool(sealed)
        self._clear_for = {one.recipient for one in permits if isinstance(one, ClearAllowed)}

    def may_go_to(self, recipients: Sequence[str]) -> bool:
        """Whether each of these recipients may get it."""
        return self._is_sealed or self._clear_for.issuperset(recipients)


def _has_body_of(octets: bytes, sealed: bytes) -> bool:
    at, sealed_at = octets.find(b"\r\n\r\n"), sealed.find(b"\r\n\r\n")
    same_length = len(octets) - at == len(sealed) - sealed_at
    return at >= 0 and sealed_at >= 0 and same_length and octets.endswith(sealed[sealed_at:])
