"""x509-limbo: what others got wrong (C2SP/x509-limbo, its rfc5280, pathological, cve and more).

A case is accepted here if there is a path and the leaf may sign; that its leaves are made for TLS
servers is overlooked. Every expected failure that is accepted, and every expected success that is
refused, stands in a table with the reason; a row that is no longer true fails as well.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.mail.address import normalise
from app.pki import pem
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate
from app.pki.path import Anchors, validate
from app.pki.reasons import NOT_FOR_MAIL, code_of
from tests.cms.corpus import folder
from tests.pki.test_pkits import DEVIATIONS
from tests.rules.sources import ROOT

_TLS = {
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string,
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,
}

_HOST = "the name of a TLS server is not compared: mail has none"
_HINT = "key identifiers help to find a path and are no condition of one (RFC 8550 §4.4)"
_WEB = "a rule of the CA/B baseline requirements for TLS servers alone"
_OURS = "the depth is ours: six certificates"

ACCEPTED = {
    "crl::crlnumber-missing": "RFC 8550 §4.1 wants CRLs of version 1, which have no number",
    "crl::crlnumber-critical": "the number changes nothing about what the list says",
    "pathlen::max-chain-depth-0-exhausted": _OURS,
    "pathlen::max-chain-depth-1-exhausted": _OURS,
    "rfc5280::aki::leaf-missing-aki": _HINT,
    "rfc5280::aki::intermediate-missing-aki": _HINT,
    "rfc5280::aki::cross-signed-root-missing-aki": _HINT,
    "rfc5280::ski::root-missing-ski": _HINT,
    "rfc5280::ski::intermediate-missing-ski": _HINT,
    "rfc5280::nc::permitted-dns-match-noncritical": "constraints hold, critical or not",
    "rfc5280::pc::ica-noncritical-pc": "PKITS has it so, and the constraint holds either way",
    "rfc5280::san::noncritical-with-empty-subject": "the names are read either way",
    "rfc5280::san::underscore-dns": _HOST,
    "rfc5280::san::ip-in-dns": _HOST,
    "rfc5280::serial::too-long": "21 octets; authorities have gone over 20, and 32 are the limit",
    "rfc5280::serial::zero": "a number like any other to whoever looks a certificate up by it",
    "rfc5280::root-non-critical-basic-constraints": "roots of old have it so; the owner added it",
    "webpki::aki::root-with-aki-missing-keyidentifier": _HINT,
    "webpki::aki::root-with-aki-authoritycertissuer": _HINT,
    "webpki::aki::root-with-aki-authoritycertserialnumber": _HINT,
    "webpki::aki::root-with-aki-all-fields": _HINT,
    "webpki::aki::root-with-aki-ski-mismatch": _HINT,
    "webpki::cn::ipv4-hex-mismatch": _HOST,
    "webpki::cn::ipv4-leading-zeros-mismatch": _HOST,
    "webpki::cn::ipv6-uppercase-mismatch": _HOST,
    "webpki::cn::ipv6-uncompressed-mismatch": _HOST,
    "webpki::cn::ipv6-non-rfc5952-mismatch": _HOST,
    "webpki::cn::punycode-not-in-san": _HOST,
    "webpki::cn::utf8-vs-punycode-mismatch": _HOST,
    "webpki::cn::not-in-san": _HOST,
    "webpki::cn::case-mismatch": _HOST,
    "webpki::eku::ee-anyeku": "RFC 8550 §4.4.4 lets anyExtendedKeyUsage sign mail",
    "webpki::eku::ee-critical-eku": _WEB,
    "webpki::eku::ee-without-eku": "RFC 8550 §4.4.4 lets a certificate without extKeyUsage sign",
    "webpki::eku::root-has-eku": _WEB,
    "webpki::san::mismatch-domain-san": _HOST,
    "webpki::san::mismatch-subdomain-san": _HOST,
    "webpki::san::mismatch-subdomain-apex-san": _HOST,
    "webpki::san::mismatch-apex-subdomain-san": _HOST,
    "webpki::san::public-suffix-wildcard-san": _HOST,
    "webpki::san::public-suffix-multi-label-wildcard-san": _HOST,
    "webpki::san::public-suffix-private-namespace-wildcard-san": _HOST,
    "webpki::san::wildcard-embedded-leftmost-san": _HOST,
    "webpki::san::wildcard-not-in-leftmost-san": _HOST,
    "webpki::san::wildcard-match-across-labels-san": _HOST,
    "webpki::san::wildcard-embedded-ulabel-san": _HOST,
    "webpki::san::no-san": _HOST,
    "webpki::san::san-critical-with-nonempty-subject": _WEB,
    "webpki::san::san-wildcard-only": _HOST,
    "webpki::san::san-wildcard-only-tld": _HOST,
    "webpki::forbidden-rsa-not-divisible-by-8-in-root": _WEB,
    "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf": _WEB,
    "webpki::v1-cert": "an old certificate of a person may still sign, if somebody vouches for it",
}

_NO_CHECKER = "the library cannot compare such a name, and doubt is refusal"
_AUTHORITY = "an authority's own certificate signs no mail (T53)"

REFUSED = {
    "pathlen::validation-ignores-pathlen-in-leaf": _AUTHORITY,
    "rfc5280::ca-as-leaf": _AUTHORITY,
    "rfc5280::nc::permitted-ipv4-match": _NO_CHECKER,
    "rfc5280::nc::permitted-ipv6-match": _NO_CHECKER,
    "rfc5280::nc::nc-forbids-othername-noop": _NO_CHECKER,
    "webpki::nc::nc-permits-dns-san-pattern": "a wildcard under a constraint (CVE-2025-61727)",
    "webpki::cryptographydotio-chain": "its authority may issue for TLS only",
}


@cache
def cases() -> dict[str, dict[str, Any]]:
    limbo = json.loads((folder() / "x509-limbo" / "limbo.json").read_text())
    return {each["id"]: each for each in limbo["testcases"]}


def _readable(texts: list[str]) -> tuple[Certificate, ...]:
    found = []
    for text in texts:
        try:
            found.append(Certificate.from_pem(text.encode()))
        except MalformedCertificate:
            continue
    return tuple(found)


def is_accepted(case: dict[str, Any]) -> bool:
    told = case["validation_time"]
    at = datetime.fromisoformat(told) if told else datetime(2026, 1, 1, tzinfo=UTC)
    leaves = _readable([case["peer_certificate"]])
    if not leaves:
        return False
    leaf = leaves[0]
    problems = {code_of(each) for each in leaf.signing_problems(at)}
    if _TLS & (leaf.extended_key_usage or set()) and "rfc5280::eku" not in case["id"]:
        problems.discard(NOT_FOR_MAIL)
    # RFC822 peers; those of servers are not compared, as the tables above say.
    wanted = [each["value"] for each in case["expected_peer_names"] if each["kind"] == "RFC822"]
    result = validate(
        leaf,
        _readable(case["untrusted_intermediates"]),
        Anchors(_readable(case["trusted_certs"]), case["id"]),
        at=at,
        revocation="require" if case["crls"] else "off",
        crls=[pem.decode(each.encode()) for each in case["crls"]],
    )
    return (
        result.status == "trusted"
        and not problems
        and set(map(normalise, wanted)) <= set(leaf.addresses)
    )


@pytest.mark.parametrize("name", cases())
def test_case_is_accepted_or_refused_as_told(name: str) -> None:
    expected = cases()[name]["expected_result"] == "SUCCESS"
    accepted = is_accepted(cases()[name])
    if name in ACCEPTED:
        assert not expected
        assert accepted, f"no deviation any more: {ACCEPTED[name]}"
    elif name in REFUSED:
        assert expected
        assert not accepted, f"no deviation any more: {REFUSED[name]}"
    else:
        assert accepted is expected


def test_tables_name_cases_that_exist() -> None:
    assert set(ACCEPTED) | set(REFUSED) <= set(cases())


def test_there_are_peers_with_mail_addresses() -> None:
    kinds = [name["kind"] for case in cases().values() for name in case["expected_peer_names"]]
    assert kinds.count("RFC822") > 10


def test_deviations_are_documented_with_their_numbers() -> None:
    text = (ROOT / "docs" / "standards.md").read_text("utf-8")
    tables = {
        "| x509-limbo | refused, accepted here": ACCEPTED,
        "| x509-limbo | accepted, refused here": REFUSED,
        "| NIST PKITS | valid, refused here": DEVIATIONS,
    }
    expected = {
        f"{what} | {count} | {why} |"
        for what, table in tables.items()
        for why, count in Counter(table.values()).items()
    }
    assert {line for line in text.splitlines() if line.startswith(tuple(tables))} == expected
