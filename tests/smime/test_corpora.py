"""Mail that nobody here wrote gives the results that its sources document.

Every message of the public material is read as Bob's gateway would read it: layers taken off with
the key that belongs to it, signatures judged with its trust anchor at its time. Where we mean to
answer otherwise than the source, the table says why.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app import clock
from app.cms.keys import load_private_key
from app.mail.address import originator
from app.mail.canonical import to_crlf
from app.mail.headers import split
from app.pki.certificate import Certificate
from app.pki.path import Anchors
from app.smime.decrypt import DecryptionKey
from app.smime.finding import Finding, Status, worst
from app.smime.peel import Circumstances, Peeled, peel
from app.smime.verify import verify
from tests.cms import corpus
from tests.smime.house import Trust

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.slow]

_KINDS = {"signed-clear", "signed-opaque", "enveloped", "authenveloped", "compressed"}
# The mathematics held: nothing was altered, whatever the certificate is worth.
GOOD = {Status.VALID, Status.VALID_OTHER, Status.UNTRUSTED, Status.REVOKED}
# What the path alone decides: valid-other is a trusted certificate without the From address.
TRUSTED = {Status.VALID, Status.VALID_OTHER}

SHA1 = "SHA-1, MD5, DSA and RSA below 2048 bit are named and never believed (T56)"
CA_SIGNS = "a certificate of an authority does not sign mail (T53)"
ECONTENT = "a clear signature with an eContent is no signature, even if both are equal (T41)"
ATTRIBUTES = "signed attributes are required (T42)"
CIPHERTEXT = "only ciphertext was signed, so nobody signed the content (T66)"
DATE = "the Date field is not compared: the time of receipt decides (T57)"

# Where the answer is another than the source's, by file name.
DEVIATIONS: dict[str, tuple[Status, str]] = {
    "alice.html.sig.SHA1.opaque.eml": (Status.UNTRUSTED, SHA1),
    "alice.html.sig.SHA1.opaque.env.eml": (Status.UNTRUSTED, SHA1),
    "alice.dsig.SHA1.multipart.env.eml": (Status.UNTRUSTED, SHA1),
    "alice.sig.SHA1.opaque.env.eml": (Status.UNTRUSTED, SHA1),
    "alice.env.dsig.SHA1.multipart.eml": (Status.UNTRUSTED, SHA1),
    "alice.env.sig.SHA1.opaque.eml": (Status.UNTRUSTED, SHA1),
    "alice.env.dsig.SHA256.multipart.eml": (Status.PARTIAL, CIPHERTEXT),
    "alice.env.sig.SHA256.opaque.eml": (Status.PARTIAL, CIPHERTEXT),
    "alice.future.dsig.SHA256.multipart.eml": (Status.VALID, DATE),
    "4.8.eml": (Status.UNSUPPORTED, ATTRIBUTES),
    "4.9.eml": (Status.UNSUPPORTED, ATTRIBUTES),
    "clear.p7": (Status.INVALID, ECONTENT),
    "sign.p7": (Status.INVALID, ECONTENT),
    "validator.longValidity.eml": (Status.UNTRUSTED, SHA1),
    "thunderbird-signed.txt": (Status.UNTRUSTED, SHA1),
    "SignedValidDSASignaturesTest4.eml": (Status.UNTRUSTED, SHA1),
    "SignedValidonlyContainsCACertsCRLTest13.eml": (Status.UNTRUSTED, CA_SIGNS),
    "SignedValidpathLenConstraintTest8.eml": (Status.UNTRUSTED, CA_SIGNS),
}


@dataclass(frozen=True)
class Letter:
    """One entry of the index that is a whole message."""

    entry: dict[str, Any]

    @property
    def path(self) -> Path:
        return corpus.folder() / str(self.entry["file"])

    @property
    def at(self) -> datetime:
        moment = self.entry.get("verification_time")
        if moment in {None, "now"}:
            return clock.now()
        return datetime.fromisoformat(str(moment))

    def __str__(self) -> str:
        return f"{self.entry['set']}/{self.path.name}"


def letters() -> list[Letter]:
    """Return every message of the material, as opposed to bare CMS objects."""
    found = [Letter(entry) for entry in corpus.index() if entry["kind"] in _KINDS]
    return [each for each in found if _is_mail(each.path.read_bytes())]


def _is_mail(octets: bytes) -> bool:
    head = octets[:4096].lower()
    return b"content-type:" in head and octets[:1] != b"\x30"


@cache
def anchors(name: str) -> Anchors:
    ders = corpus.certificates(corpus.folder() / name) if name else []
    return Anchors(tuple(map(Certificate.from_der, ders)), name)


def read(letter: Letter, *, revocation: str = "soft") -> tuple[Finding, Peeled]:
    """Return what a gateway finds out about a message of the material."""
    raw = letter.path.read_bytes()
    # Files with bare LF are what transport would have made CRLF of; a binary part stays.
    octets = to_crlf(raw) if "bare LF" in split(raw).headers.anomalies else raw
    view = Trust(anchors(str(letter.entry.get("trust_anchor") or "")))
    keys = []
    if pair := corpus.identities(letter.entry):
        keys = [DecryptionKey(Certificate.from_der(pair[1]), load_private_key(pair[0]))]
    by = Circumstances(originator(split(octets).headers), view, letter.at, revocation, "3des+rc2")
    peeled = peel(octets, keys, by)
    last = verify(
        peeled.message, peeled.layer, by.originator, view, at=by.at, revocation=revocation
    )
    return worst((*peeled.outer, last)), peeled


LETTERS = letters()


@pytest.mark.parametrize("letter", LETTERS, ids=str)
def test_ciphertext_is_opened_where_the_source_opens_it(letter: Letter) -> None:
    entry = letter.entry
    if entry["expected"] != "decryptable":
        status = read(letter)[1].decryption.status
        assert status in {"none", "no-key", "failed", "unsupported"}
        return
    assert read(letter)[1].decryption.status == "decrypted"


def expected_status(letter: Letter) -> set[Status]:
    """Return the statuses that agree with what the source documents."""
    entry = letter.entry
    if letter.path.name in DEVIATIONS:
        return {DEVIATIONS[letter.path.name][0]}
    word = entry.get("inner_expected") or entry["expected"]
    if not any(layer.startswith("signed") for layer in entry["layers"]):
        return {Status.NONE}
    if word in {"invalid", "reject"}:
        return set(Status) - TRUSTED
    if not entry.get("verification_time"):
        # No trusted path in the material: the right answer is "correct, untrusted".
        return GOOD - TRUSTED
    return {Status.VALID} if entry.get("from_matches_signer") else TRUSTED


@pytest.mark.parametrize("letter", LETTERS, ids=str)
def test_signature_is_judged_as_the_source_judges_it(letter: Letter) -> None:
    # PKITS is about revocation too, and brings the lists along.
    revocation = "require" if letter.entry["set"] == "pkits" else "soft"
    finding = read(letter, revocation=revocation)[0]
    wanted = expected_status(letter)
    assert finding.status in wanted, [str(reason) for reason in finding.reasons]


def test_every_deviation_is_met() -> None:
    assert set(DEVIATIONS) <= {each.path.name for each in LETTERS}
