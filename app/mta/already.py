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


def protection(layer: Layer) -> str:
    """Return "encrypted", "signed" or "clear"; whether a signature is good is not looked at."""
    try:
        if layer.kind in ENCRYPTED:
            found = parse_enveloped(layer.cms)
            return "encrypted" if found.recipients and found.cipher in CIPHERS else "clear"
        if layer.kind in SIGNED:
            return "signed" if (layer.signed or parse_signed(layer.cms)).signers else "clear"
    except (MalformedCms, TooLarge, UnsupportedCms):
        pass
    return "clear"
