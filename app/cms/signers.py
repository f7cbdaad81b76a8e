"""Read SignerInfos: who signed, how, and which attributes.

Whatever stands in every message of a signer is read once and remembered by its octets. Whether the
signature holds is for `app.cms.signed`. RFC 5652 §5.3.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from app.cms import algorithms as table
from app.cms import der, schemes
from app.cms.attributes import Attributes, parse_attributes
from app.cms.errors import TooLarge, UnsupportedCms
from app.cms.keys import identity_of
from app.cms.recipients import read_identifier

# Ten times what the longest chain of attributes of a real client takes.
_ATTRIBUTES_OCTETS: Final = 32 * 1024
_REMEMBERED_OCTETS: Final = 1024


class SignerInfo(NamedTuple):
    """One signer as the message describes him.

    He is named by `issuer_der` and `serial`, or by `ski`; the other is empty. `digest` and `scheme`
    are names, or dotted numbers of something we do not know.
    """

    issuer_der: bytes
    serial: int
    ski: bytes
    digest: str
    scheme: str
    signed_attrs: bytes | None
    # The SET OF that was signed, None if the signature is over the content itself.
    attributes: Attributes
    problems: tuple[str, ...]
    weak: str
    # The digest or the kind of key that is too weak, "" if none.
    signature_algorithm: bytes
    signature: bytes

    def names(self, certificate: bytes) -> bool:
        """Say whether this is the certificate that the SignerInfo names (RFC 5652 §5.3)."""
        return identity_of(certificate).is_named(self.issuer_der, self.serial, self.ski)


def read_signer(body: der.Reader, declared: tuple[str, ...]) -> SignerInfo:
    """Return what the elements of a SignerInfo say; `declared` are the digestAlgorithms.

    Raises MalformedCms, and TooLarge over the limit of attributes.
    """
    body.integer()
    start = body.at
    body.skip(body.peek())
    body.skip(der.SEQUENCE)
    head = body.octets[start : body.at]
    known = len(head) <= _REMEMBERED_OCTETS
    issuer, serial, ski, digest = _remembered_head(head) if known else _read_head(head)
    signed = body.find(der.CONTEXT_0)
    algorithm = body.take_whole(der.SEQUENCE)
    signature = body.take_value(der.OCTET_STRING)
    body.find(der.CONTEXT_1)  # unsignedAttrs: nobody has signed them
    body.finish()
    problems = [] if digest in declared else ["digest-undeclared"]
    if signed is None:
        problems.append("signed-attributes-missing")
        signed_attrs, attributes = None, Attributes()
    elif signed.end - signed.start > _ATTRIBUTES_OCTETS:
        raise TooLarge("more signed attributes than the limit")
    else:
        signed_attrs = b"\x31" + signed.octets[signed.head + 1 : signed.end]
        attributes = parse_attributes(signed)
        problems.extend(attributes.problems)
    scheme, weak, problem = _name_scheme(algorithm, digest)
    problems.extend(filter(None, (problem,)))
    return SignerInfo(
        *(issuer, serial, ski, digest, scheme, signed_attrs, attributes, tuple(problems), weak),
        *(algorithm, signature),
    )


def _read_head(octets: bytes) -> tuple[bytes, int, bytes, str]:
    """Return issuer, serial number, key identifier and digest of a SignerInfo's first elements."""
    elements = der.read(octets)
    issuer, serial, ski = read_identifier(elements)
    return issuer, serial, ski, digest_or_oid(elements.take(der.SEQUENCE))


_remembered_head = lru_cache(maxsize=2048)(_read_head)


def digest_or_oid(algorithm: der.Reader) -> str:
    """Return the name of a digest AlgorithmIdentifier, dotted numbers if we have none."""
    oid = algorithm.identifier()
    row = table.DIGEST_BY_OID.get(oid)
    return row.name if row else der.dotted_identifier(oid)


@lru_cache(maxsize=256)
def _name_scheme(algorithm: bytes, digest: str) -> tuple[str, str, str]:
    """Return the name of a signatureAlgorithm, what is weak about it, and a problem."""
    try:
        scheme = schemes.parse_scheme(algorithm, digest)
    except UnsupportedCms:
        oid = der.read_one(algorithm, der.SEQUENCE).identifier()
        return der.dotted_identifier(oid), "", "algorithm-unsupported"
    if digest not in table.DIGESTS:
        return scheme.name, "", "algorithm-unsupported"
    return scheme.name, schemes.weakness(scheme), ""
