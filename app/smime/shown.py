"""Which Subject the reader is shown when the header section was protected.

RFC 9788 §4; threat T60: a protected field counts only where a valid signature of From carries it,
or where it replaces nothing.
"""

from app.mail.address import same_mailbox
from app.mail.headers import Headers
from app.smime.decrypt import Decryption
from app.smime.finding import Finding, Status
from app.smime.protect import Protected, is_obscured


def protected_subject(finding: Finding, decryption: Decryption, outer: Headers) -> str | None:
    """Return the protected Subject to show in place of the outer one, None to keep that.

    A signed payload must pass and bear the outer From. An encrypted payload that nobody signed
    may only fill a Subject that the sender obscured, since it has no more authority than any
    unsigned message.
    """
    signed = finding.protected
    if signed is not None:
        return signed.subject or None if finding.is_pass and _same_from(signed, finding) else None
    opened = decryption.protected
    if opened is None or finding.status is not Status.NONE:
        return None
    if not is_obscured(outer.text("Subject")) or not _same_from(opened, finding):
        return None
    return opened.subject or None


def _same_from(protected: Protected, finding: Finding) -> bool:
    claimed = protected.originator
    return not claimed.problem and same_mailbox(claimed.address, finding.from_address)
