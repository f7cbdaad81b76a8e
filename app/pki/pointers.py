"""Where a certificate says that more about it is found: CRLs, OCSP responders, its issuer.

The URLs are a stranger's words; `app.pki.fetch` decides whether anybody goes there. RFC 5280
§4.2.1.13, §4.2.2.1.
"""

from collections.abc import Callable, Iterator
from typing import Final

from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.pki import tbs
from app.pki.certificate import Certificate

# More is only a way to make somebody fetch.
URLS: Final = 4

_URI: Final = 0x86
# DistributionPoint: distributionPoint [0] with fullName [0] in it, reasons [1], cRLIssuer [2].
_POINT: Final = 0xA0
_FULL_NAME: Final = 0xA0
_REASONS: Final = 0x81
_CRL_ISSUER: Final = 0xA2

_Walk = Callable[[der.Reader], Iterator[bytes]]


def crl_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return the http URLs of the distribution points that cover every reason."""
    return _read(certificate, ExtensionOID.CRL_DISTRIBUTION_POINTS.dotted_string, _points)


def ocsp_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return the http URLs of the OCSP responders."""
    return _access(certificate, AuthorityInformationAccessOID.OCSP.dotted_string)


def issuer_urls(certificate: Certificate) -> tuple[str, ...]:
    """Return the http URLs of the issuer's certificate."""
    return _access(certificate, AuthorityInformationAccessOID.CA_ISSUERS.dotted_string)


def names_list_issuer(certificate: Certificate) -> bool:
    """Return whether another one than the issuer may publish its lists; in doubt it is so."""
    fields = tbs.parse(certificate.der)
    found = fields.extensions.get(ExtensionOID.CRL_DISTRIBUTION_POINTS.dotted_string)
    if found is None:
        return False
    try:
        sequence = der.read_one(found.value, der.SEQUENCE)
        while sequence.peek() >= 0:
            point = sequence.take(der.SEQUENCE)
            while point.peek() >= 0:
                if point.peek() == _CRL_ISSUER:
                    return True
                point.next()
    except (MalformedCms, TooLarge):
        return True
    return False


def _read(certificate: Certificate, extension: str, walk: _Walk) -> tuple[str, ...]:
    found = tbs.parse(certificate.der).extensions.get(extension)
    if found is None:
        return ()
    urls: dict[str, None] = {}
    try:
        for octets in walk(der.read_one(found.value, der.SEQUENCE)):
            url = octets.decode("ascii")
            if url.lower().startswith("http://"):
                urls[url] = None
    except (MalformedCms, TooLarge, UnicodeError):
        return ()
    return tuple(urls)[:URLS]


def _points(sequence: der.Reader) -> Iterator[bytes]:
    while sequence.peek() >= 0:
        point = sequence.take(der.SEQUENCE)
        name = point.find(_POINT)
        if name is None or point.peek() == _REASONS:
            continue
        names = name.find(_FULL_NAME)
        while names is not None and names.peek() >= 0:
            each = names.next()
            if each.octets[each.head] == _URI:
                yield each.value


def _access(certificate: Certificate, method: str) -> tuple[str, ...]:
    def walk(sequence: der.Reader) -> Iterator[bytes]:
        while sequence.peek() >= 0:
            description = sequence.take(der.SEQUENCE)
            wanted = der.dotted_identifier(description.identifier()) == method
            location = description.next()
            if wanted and location.octets[location.head] == _URI:
                yield location.value

    return _read(certificate, ExtensionOID.AUTHORITY_INFORMATION_ACCESS.dotted_string, walk)
