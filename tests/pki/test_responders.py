"""Who may answer in the name of an authority, and for how long (RFC 6960 §4.2.2.2)."""

from collections.abc import Sequence

import pytest
from cryptography import x509

from app.pki.plainlists import told_good
from tests.pki.test_revocation import URL, Store, ask
from tests.pki.test_revocation_signers import _with_signature_of
from tests.testpki import AT, TestCA, TestIdentity, ca, private_key

ROOT = ca("Responder Root", url=URL)
SUB = ca("Responder Sub", ROOT, url=URL)
ALICE = SUB.issue("alice@example.org")
BAD = SUB.issue("bad@example.org", revoked="2026-01-01")
ROOT_SAYS = ROOT.ocsp(SUB.identity)


def _responder(name: str, *, revoked: bool = False, nocheck: bool = False) -> TestIdentity:
    return SUB.issue(
        f"{name}@example.org",
        usage=("digital_signature",),
        extended=("ocsp_signing",),
        extensions=[(x509.OCSPNoCheck(), False)] if nocheck else [],
        revoked="2026-01-01" if revoked else None,
    )


def _saying(*revoked: TestIdentity) -> TestCA:
    """Return the authority as it answers when only these are revoked."""
    says = TestCA(SUB.name, SUB.key, SUB.parent, SUB.url)
    says.certificate = SUB.certificate
    says.revoked = {each.x509.serial_number: AT.replace(month=1) for each in revoked}
    return says


HONEST = _responder("honest")
REVOKED = _responder("revoked", revoked=True)
UNCHECKED = _responder("unchecked", revoked=True, nocheck=True)


def _status(identity: TestIdentity, lists: Sequence[bytes], *answers: bytes) -> tuple[str, str]:
    store = Store(lists, [*answers, ROOT_SAYS])
    result = ask(identity, "hard", store=store, root=ROOT)
    return result.status, result.revocation


GOOD, UNKNOWN = ("trusted", "good"), ("untrusted", "unknown")


# T58: whoever is between us and the responder has no key, and needs none for a copy
@pytest.mark.parametrize("subject", [BAD, ALICE])
def test_responder_is_not_the_authority_for_the_signature_it_copied(subject: TestIdentity) -> None:
    forger = private_key("p256", "forger of answers")
    serial = SUB.identity.x509.serial_number
    twin = ca("Responder Sub", ROOT, private=forger, serial=serial)
    copied = _with_signature_of(SUB.certificate, twin.certificate)
    identity = TestIdentity(copied, b"", (), ROOT.certificate, forger)
    says = _saying(*(() if subject is BAD else (subject,)))
    assert _status(subject, [], says.ocsp(subject, responder=identity)) == UNKNOWN


def test_responder_with_a_certificate_of_the_authority_itself_counts() -> None:
    itself = TestIdentity(SUB.certificate, b"", (), ROOT.certificate, SUB.key)
    assert _status(ALICE, [], SUB.ocsp(ALICE, responder=itself)) == GOOD


# T57, T58: a stolen key of a responder is of use until it is revoked, and not until it ends
@pytest.mark.parametrize("responder", [REVOKED, UNCHECKED])
@pytest.mark.parametrize("where", ["store", "response"])
def test_responder_that_is_revoked_says_nothing(responder: TestIdentity, where: str) -> None:
    known = [_saying(responder, BAD).crl()] if where == "store" else []
    told = [] if known else [_saying(responder, BAD).ocsp(responder)]
    clean, accusing = _saying(), _saying(ALICE)
    good = clean.ocsp(ALICE, responder=responder)
    lie = accusing.ocsp(ALICE, responder=responder)
    # The list itself says that Alice is in force, and nobody else does.
    expected = GOOD if known else UNKNOWN
    assert _status(ALICE, known, *told, good) == expected
    assert _status(ALICE, known, *told, lie) == expected
    cleared = _status(BAD, known, *told, clean.ocsp(BAD, responder=responder))
    assert cleared == (("revoked", "revoked") if known else UNKNOWN)


def test_list_that_is_not_plain_tells_of_the_responder_too() -> None:
    # RFC 5280 §5.2.5: one list for end entities, which nobody's quick look understands.
    users = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    sub = ca("Parted Sub", ROOT)
    alice = sub.issue("alice@example.org")
    responder = sub.issue(
        "parted@example.org", extended=("ocsp_signing",), usage=("digital_signature",)
    )
    lie = TestCA(sub.name, sub.key, ROOT, "")
    lie.certificate = sub.certificate
    lie.revoked = {alice.x509.serial_number: AT.replace(month=1)}
    said = lie.ocsp(alice, responder=responder)
    about_sub = ROOT.ocsp(sub.identity)
    assert _status(alice, [], said, about_sub)[0] == "revoked"
    assert _status(alice, [sub.crl(extensions=[(users, True)])], said, about_sub)[0] == "revoked"
    sub.revoked = {responder.x509.serial_number: AT.replace(month=1)}
    assert _status(alice, [sub.crl(extensions=[(users, True)])], said, about_sub) == GOOD


def test_responder_without_any_data_about_it_is_believed() -> None:
    for responder in (HONEST, REVOKED, UNCHECKED):
        assert _status(ALICE, [], _saying().ocsp(ALICE, responder=responder)) == GOOD
        bad = _status(BAD, [], SUB.ocsp(BAD, responder=responder))
        assert bad == ("revoked", "revoked")


def test_responder_that_is_in_force_counts_beside_a_list() -> None:
    lists = [_saying(REVOKED).crl()]
    assert _status(ALICE, lists, _saying(ALICE).ocsp(ALICE, responder=HONEST))[0] == "revoked"


def test_answer_of_a_revoked_responder_does_not_take_others_away() -> None:
    told = [_saying(REVOKED).ocsp(REVOKED)]
    lie = _saying(ALICE).ocsp(ALICE, responder=REVOKED)
    true = _saying().ocsp(ALICE, responder=HONEST)
    assert _status(ALICE, [], *told, lie, true) == GOOD


def test_revoked_responder_cannot_have_others_silenced() -> None:
    known = [_saying(REVOKED).ocsp(REVOKED)]
    accusation = _saying(HONEST).ocsp(HONEST, responder=REVOKED)
    true = _saying(ALICE).ocsp(ALICE, responder=HONEST)
    assert _status(ALICE, [], *known, accusation, true)[0] == "revoked"


def test_responder_does_not_speak_about_itself() -> None:
    itself = _saying(HONEST).ocsp(HONEST, responder=HONEST)
    assert _status(ALICE, [], itself, _saying().ocsp(ALICE, responder=HONEST)) == GOOD


def test_responders_that_accuse_each_other_are_both_silent() -> None:
    other = _responder("other")
    mutual = [
        _saying(HONEST).ocsp(HONEST, responder=other),
        _saying(other).ocsp(other, responder=HONEST),
    ]
    for responder in (HONEST, other):
        assert _status(ALICE, [], *mutual, _saying().ocsp(ALICE, responder=responder)) == UNKNOWN


def test_certificates_that_cannot_be_read_do_not_hide_bad_news() -> None:
    answer = _saying().ocsp(BAD, responder=HONEST)
    broken = answer.replace(HONEST.x509.tbs_certificate_bytes[-40:], b"\xff" * 40)
    assert broken != answer
    assert _status(BAD, [_saying(BAD).crl()], broken)[0] == "revoked"


# T112: the quick look is for the responders as well
def test_list_that_is_silent_about_the_responder_is_looked_at_quickly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[object] = []

    def told(*words: object) -> frozenset[int]:
        found.append(told_good(*words))  # type: ignore[arg-type]
        return found[-1]  # type: ignore[return-value]

    monkeypatch.setattr("app.pki.revocation.told_good", told)
    answer = _saying().ocsp(ALICE, responder=HONEST)
    assert _status(ALICE, [_saying(BAD).crl(), ROOT.crl()], answer) == GOOD
    assert _status(ALICE, [_saying(HONEST).crl(), ROOT.crl()], answer) == GOOD
    assert found == [frozenset({0, 1}), frozenset()]
