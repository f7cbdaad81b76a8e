"""Encrypting a message: one CMS for the certificates of one recipient.

The result is ``Sealed``, which only ``encrypt`` makes and which the relay takes without asking for
leave to send in clear (T87). The Bcc fields are dropped, so that no copy tells of another (T91).

RFC 8551 §3.3, §3.4; behaviour "Encryption decision".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.cms.enveloped import enveloped_pieces
from app.mail.canonical import is_crlf, to_crlf
from app.pki.certificate import Certificate
from app.smime.profiles import choose_cipher, get_profile
from app.smime.sign import framed, inner_entity

_AEAD = ("-gcm", "-poly1305")


class CannotEncrypt(ValueError):
    """There is nobody to encrypt to, or a certificate cannot carry a key."""


class _Maker:
    """The token that the constructor of Sealed asks for."""


_MAKER = _Maker()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message whose content only its recipient can read."""

    maker: _Maker = field(repr=False, compare=False)
    octets: bytes
    cipher: str = ""
    fingerprints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse everybody but encrypt()."""
        if self.maker is not _MAKER:
            raise TypeError("only encrypt() makes Sealed octets")


def encrypt(
    message: bytes,
    certificates: Sequence[Certificate],
    *,
    profile: str,
    capabilities: Sequence[str] | None = None,
    protection: str = "",
) -> Sealed:
    """Return the message encrypted to all of these certificates, which are one recipient's.

    The caller has judged the certificates; raises CannotEncrypt if there is none, and nothing
    else, so that a caller cannot mistake a failure for permission to send in clear.

    Where the partner never said what he can read, his certificate may (RFC 4262 §2).

    ``protection`` is "cipher" to put the header section inside (RFC 9788); a message that was
    signed so has it inside already.

    DEVIATION: RFC 8551 §3.3 SHOULD also encrypt to the originator. The gateway's senders keep
    their own clear copy, and one CMS per recipient hides who else got the message.
    """
    if not certificates:
        raise CannotEncrypt("no certificate")
    row = get_profile(profile)
    carried = (each.capabilities for each in certificates if each.capabilities)
    cipher = choose_cipher(profile, capabilities or next(carried, None))
    outer, pieces = inner_entity(message, protection)
    if not is_crlf(message):
        # RFC 8551 §3.1.1: the canonical form, whatever came in.
        pieces = (to_crlf(b"".join(pieces)),)
    ders = [each.der for each in certificates]
    label = "authEnveloped-data" if cipher.endswith(_AEAD) else "enveloped-data"
    try:
        cms = enveloped_pieces(pieces, ders, cipher=cipher, rsa=row.rsa)
        octets = framed(outer.without("Bcc", "Resent-Bcc"), cms, label, sum(map(len, pieces)))
    except ValueError as error:
        raise CannotEncrypt(str(error)) from error
    return Sealed(_MAKER, octets, cipher, tuple(each.fingerprint for each in certificates))
