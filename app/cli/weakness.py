"""What ``sealmon check`` reports: one thing that is wrong or weak, and its remedy."""

from dataclasses import dataclass
from typing import Final

WRONG: Final = "wrong"
"""Mail is deferred or unprotected against the owner's intention, or secrets lie open."""
WEAK: Final = "weak"
"""It works, and will not for long or not as safely as it could."""
NOTE: Final = "note"
"""Something waits for a person."""
LEVELS: Final = (WRONG, WEAK, NOTE)


@dataclass(frozen=True, slots=True)
class Weakness:
    """One line of the report."""

    id: str
    """What kind of thing it is; stays the same for scripts."""
    level: str
    what: str
    remedy: str
    about: str = ""
    """The domain, key, relay … it is about."""
