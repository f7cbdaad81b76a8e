"""Opening a message from the outside in, layer by layer, for one recipient (design 3).

A signature that encloses an encrypted layer is verified before it is taken off, and its finding is
kept. What cannot be opened stays as it is: the message that comes back is then the one that still
holds all of it. Only the MIME root counts, so that nothing beside an encrypted part ever meets its
plain text (EFAIL; T72). RFC 8551 §3.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app import patience
from app.mail import limits
from app.mail.address import Originator
from app.smime.content import may_hold_layer, strip_signature
from app.smime.decrypt import Decryption, DecryptionKey, decrypt, expand, not_encrypted
from app.smime.finding import Finding
from app.smime.kinds import ENCRYPTED, SIGNED, Kind, Layer, recognise
from app.smime.trust import TrustView
from app.smime.verify import verify


@dataclass(frozen=True, slots=True)
class Circumstances:
    """By what the layers are judged."""

    originator: Originator
    """From the outermost header section: an inner one never says who wrote (T60)."""
    trust: TrustView
    at: datetime
    revocation: str = "soft"
    legacy: str = "3des"


@dataclass(frozen=True, slots=True)
class Peeled:
    """A message as far as it could be opened."""

    message: bytes
    decryption: Decryption
    """Of the outermost encrypted layer, or what hindered."""
    outer: tuple[Finding, ...]
    """Of the signatures that came off with the layers, outermost first."""
    layer: Layer
    """What the root of ``message`` is now."""


def peel(message: bytes, keys: Sequence[DecryptionKey], by: Circumstances) -> Peeled:
    """Open every encrypted layer for which there is a key, at most limits.SMIME_LAYERS layers."""
    layer = recognise(message)
    decryption: Decryption | None = None
    outer: tuple[Finding, ...] = ()
    compressed_before = False
    for _ in range(limits.SMIME_LAYERS):
        patience.tick()
        if layer.kind is Kind.COMPRESSED and not compressed_before:
            opened = expand(message, layer)
            if opened is None:
                break
            message, layer, compressed_before = opened, recognise(opened, is_scanned=True), True
            continue
        inner, inner_layer, found = _take_off_signature(message, layer, by)
        if inner_layer.kind not in ENCRYPTED:
            break
        step = decrypt(inner, inner_layer, keys, legacy=by.legacy)
        if step.status != "decrypted":
            decryption = decryption or step
            break
        decryption = decryption or step
        message, outer = step.message, outer + found
        layer = step.layer or recognise(message)
    return Peeled(message, decryption or not_encrypted(message), outer, layer)


def _take_off_signature(
    message: bytes, layer: Layer, by: Circumstances
) -> tuple[bytes, Layer, tuple[Finding, ...]]:
    """Return what the root signature encloses if that is encrypted, else the same as it came.

    A signature over compressed content stays, since nothing in there is hidden from the reader's
    client, and taking it off would end what it proves.
    """
    if layer.kind not in SIGNED or not may_hold_layer(message, layer):
        return message, layer, ()
    inner = strip_signature(message, layer)
    inner_layer = layer if inner is message else recognise(inner, is_scanned=True)
    if inner_layer.kind not in ENCRYPTED:
        return message, layer, ()
    finding = verify(
        message,
        layer,
        by.originator,
        by.trust,
        at=by.at,
        revocation=by.revocation,
        will_open=True,
    )
    return inner, inner_layer, (finding,)
