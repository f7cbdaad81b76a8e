"""NIST PKITS: every certificate and signed message of it, under "require" and any policy.

0 false accepts: what is named Invalid is never trusted. A valid one that is refused stands in
DEVIATIONS with the reason. PKITS 2011 expires at the end of 2030.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import crl, x509

from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.signed import SignedData, parse_signed
from app.pki.certificate import Certificate
from app.pki.path import Anchors, validate
from app.smime.kinds import recognise
from tests.cms.corpus import folder, index

AT = datetime(2026, 6, 15, tzinfo=UTC)

# Valid, and refused here.
DEVIATIONS = {
    "ValidDSASignaturesTest4": "DSA with SHA-1 is too weak for anything (T56)",
    "ValidcRLIssuerTest30": "the list's issuer is told to be in force by that list alone",
}
# Tests whose name tells nothing: with any-policy and no policy required these are valid ...
VALID_BY_DEFAULT = {
    "AllCertificatesNoPoliciesTest2",
    "AllCertificatesSamePoliciesTest10",
    "AllCertificatesSamePoliciesTest13",
    "AllCertificatesanyPolicyTest11",
    "AnyPolicyTest14",
    "CPSPointerQualifierTest20",
    "DifferentPoliciesTest3",
    "OverlappingPoliciesTest6",
    "UserNoticeQualifierTest15",
    "UserNoticeQualifierTest16",
    "UserNoticeQualifierTest17",
    "UserNoticeQualifierTest18",
    "UserNoticeQualifierTest19",
    "inhibitAnyPolicyTest3",
}
# ... and these are not, because an authority in them requires a policy.
INVALID_BY_DEFAULT = {f"DifferentPoliciesTest{number}" for number in (4, 5, 7, 8, 9, 12)}


@cache
def certificates() -> dict[str, Certificate]:
    files = (folder() / "pkits" / "certs").glob("*.crt")
    return {file.stem: Certificate.from_der(file.read_bytes()) for file in files}


@cache
def anchors() -> Anchors:
    found = certificates()
    others = tuple(each for name, each in sorted(found.items()) if not name.endswith("EE"))
    return Anchors((found["TrustAnchorRootCertificate"],), "pkits", others)


@cache
def lists() -> dict[str, list[bytes]]:
    by_issuer = defaultdict(list)
    for file in sorted((folder() / "pkits" / "crls").glob("*.crl")):
        octets = file.read_bytes()
        by_issuer[crl.CertificateList.load(octets).issuer.hashable].append(octets)
    return by_issuer


class Store:
    """The lists of PKITS by who issued them, as a fetcher would have found them."""

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        assert at == AT
        issuers: set[str] = set()
        for certificate, _ in pairs:
            parsed = x509.Certificate.load(certificate.der)
            issuers.add(parsed.issuer.hashable)
            for point in parsed.crl_distribution_points_value or ():
                issuers |= {name.chosen.hashable for name in point["crl_issuer"] or ()}
        return [octets for each in sorted(issuers) for octets in lists().get(each, [])], ()


def end_entities() -> list[str]:
    return sorted(name[:-2] for name in certificates() if name.endswith("EE"))


def is_valid(name: str) -> bool:
    if name in VALID_BY_DEFAULT | INVALID_BY_DEFAULT:
        return name in VALID_BY_DEFAULT
    assert name.startswith(("Valid", "Invalid")), name
    return name.startswith("Valid")


@pytest.mark.parametrize("name", end_entities())
def test_certificate_is_trusted_or_not(name: str) -> None:
    leaf = certificates()[name + "EE"]
    result = validate(leaf, (), anchors(), at=AT, revocation="require", source=Store())
    expected = is_valid(name) and name not in DEVIATIONS
    assert (result.status == "trusted") is expected, (result.reasons, DEVIATIONS.get(name))


def messages() -> list[str]:
    return sorted(entry["file"] for entry in index() if entry["file"].startswith("pkits/smime/"))


def signed_data(file: Path) -> SignedData | None:
    octets = file.read_bytes()
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    try:
        return parse_signed(recognise(octets).cms)
    except (MalformedCms, UnsupportedCms):
        return None


@pytest.mark.parametrize("name", messages())
def test_message_brings_what_its_signer_needs(name: str) -> None:
    # Certificates and lists come with the message, in no order and with strangers among them.
    entry = next(each for each in index() if each["file"] == name)
    test = Path(name).stem.removeprefix("Signed")
    found = signed_data(folder() / name)
    assert found is not None
    bag = tuple(map(Certificate.from_der, found.certificates))
    signer = found.signers[0]
    named = (signer.issuer_der, signer.serial)
    leaf = next(each for each in bag if (each.issuer_der, each.serial) == named)
    roots = Anchors(anchors().ders, "pkits alone")
    result = validate(leaf, bag, roots, at=AT, revocation="require", crls=found.crls)
    expected = entry["expected"] == "valid" and test not in DEVIATIONS
    assert (result.status == "trusted") is expected, result.reasons
