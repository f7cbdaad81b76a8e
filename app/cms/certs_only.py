"""Certs-only: a SignedData that signs nothing and carries certificates.

RFC 8551 §3.8, RFC 5652 §5.1.
"""

from collections.abc import Sequence
from typing import Final

from app.cms import algorithms as table
from app.cms import der
from app.cms.signed import parse_signed
from app.cms.signing import content_info

_EMPTY_SET: Final = der.tlv(der.SET)


def parse_certs_only(octets: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a SignedData, signed by somebody or not, in their order.

    Raises as `parse_signed`.
    """
    return parse_signed(octets).certificates


def build_certs_only(certificates: Sequence[bytes]) -> bytes:
    """Return a SignedData without content and signers that carries the certificates, DER."""
    return content_info(
        "signed",
        (
            der.integer(1),
            _EMPTY_SET,
            der.tlv(der.SEQUENCE, table.CONTENT_TYPE_DER["data"]),
            der.set_of(der.CONTEXT_0, *dict.fromkeys(certificates)),
            _EMPTY_SET,
        ),
    )
