"""What a client has done to a message already: signed it, or encrypted it.

A label is a claim. Under ``encrypt = require`` a message that is encrypted already leaves as it is,
so a whole CMS object has to stand under the label, with a recipient, and a cipher that we know;
whether it is the right recipient's key nobody but that recipient can say. In doubt the answer is
no, and the message is signed and encrypted like any other, or refused (T65, T87, R17).

RFC 5652 §5, §6, RFC 5083.
"""

from app.cms.algorithms import CIPHERS
from app.cms.enveloped import parse_enveloped
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.signed import parse_signed
from app.smime.kinds import ENCRYPTED, SIGNED, Layer


def is_encrypted(layer: Layer) -> bool:
    """Tell whether the root of a message is an EnvelopedData or AuthEnvelopedData for somebody."""
    if layer.kind not in ENCRYPTED:
        return False
    try:
        found = parse_enveloped(layer.cms)
    except (MalformedCms, TooLarge, UnsupportedCms):
        return False
    return bool(found.recipients) and found.cipher in CIPHERS


def is_signed(layer: Layer) -> bool:
    """Tell whether the root of a message is a SignedData by somebody; nothing is verified."""
    if layer.kind not in SIGNED:
        return False
    try:
        return bool((layer.signed or parse_signed(layer.cms)).signers)
    except (MalformedCms, TooLarge, UnsupportedCms):
        return False
