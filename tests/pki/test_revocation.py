"""What CRLs and OCSP responses change: never cached as good, never good by silence (T57, T58)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.pki.certificate import Certificate
from app.pki.path import PathResult, validate
from app.pki.reasons import REVOCATION_UNKNOWN, REVOKED
from tests.pki.asking import STRANGER, anchors, codes, pause
from tests.pki.weak import sha1_list, sha1_response
from tests.testpki import AT, TestCA, TestIdentity, ca, private_key

URL = "http://127.0.0.1/ca"
ROOT = ca("Revocation Root", url=URL)
SUB = ca("Revocation Sub", ROOT, url=URL)
GOOD = SUB.issue("good@example.org")
BAD = SUB.issue("bad@example.org", revoked="2026-01-01")
HOLIDAY = AT + timedelta(days=30)


@dataclass
class Store:
    """A RevocationSource that has these data about everything."""

    lists: Sequence[bytes] = ()
    responses: Sequence[bytes] = ()
    asked: list[str] = field(default_factory=list)

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        assert at.tzinfo
        for certificate, issuer in pairs:
            self.asked.append(f"{certificate.subject} by {issuer.subject}")
        return self.lists, self.responses


def ask(
    identity: TestIdentity,
    mode: str = "soft",
    *,
    crls: Sequence[bytes] = (),
    store: Store | None = None,
    at: datetime = AT,
    others: Sequence[bytes] = (),
    root: TestCA = ROOT,
) -> PathResult:
    pool = [Certificate.from_der(each) for each in (*identity.chain, *others)]
    return validate(
        Certificate.from_der(identity.certificate),
        pool,
        anchors(root),
        at=at,
        revocation=mode,
        crls=crls,
        source=store,
    )


BOTH = [SUB.crl(), ROOT.crl()]


# mode, data, status and revocation of the good one, the same of the bad one
MODES = [
    ("off", BOTH, ("trusted", "not-checked"), ("trusted", "not-checked")),
    ("soft", BOTH, ("trusted", "good"), ("revoked", "revoked")),
    ("hard", BOTH, ("trusted", "good"), ("revoked", "revoked")),
    ("require", BOTH, ("trusted", "good"), ("revoked", "revoked")),
    ("soft", [], ("trusted", "unknown"), ("trusted", "unknown")),
    ("hard", [], ("untrusted", "unknown"), ("untrusted", "unknown")),
    ("require", [], ("untrusted", "unknown"), ("untrusted", "unknown")),
    # The authority above is not told about.
    ("soft", BOTH[:1], ("trusted", "unknown"), ("revoked", "revoked")),
    ("hard", BOTH[:1], ("untrusted", "unknown"), ("revoked", "revoked")),
]


@pytest.mark.parametrize(("mode", "data", "good", "bad"), MODES)
@pytest.mark.parametrize("where", ["message", "store"])
def test_mode_decides_what_silence_means(
    mode: str, data: list[bytes], good: tuple[str, str], bad: tuple[str, str], where: str
) -> None:
    for identity, expected in ((GOOD, good), (BAD, bad)):
        if where == "message":
            result = ask(identity, mode, crls=data)
        else:
            result = ask(identity, mode, store=Store(data))
        assert (result.status, result.revocation) == expected


def test_reason_names_what_is_unknown_and_what_is_revoked() -> None:
    assert ask(GOOD).reasons == (
        f"{REVOCATION_UNKNOWN}: CN=good",
        f"{REVOCATION_UNKNOWN}: CN=Revocation Sub",
    )
    assert ask(BAD, crls=BOTH).reasons == (f"{REVOKED}: CN=bad",)


def test_certificate_that_declares_nothing_is_not_asked_about() -> None:
    root = ca("Silent Root")
    alice = ca("Silent Sub", root).issue("alice@example.org")
    for mode, status, revocation in (
        ("soft", "trusted", "not-checked"),
        ("hard", "trusted", "not-checked"),
        ("require", "untrusted", "unknown"),
    ):
        result = ask(alice, mode, root=root)
        assert (result.status, result.revocation) == (status, revocation)


def test_list_in_the_message_that_tells_nothing_is_no_silence() -> None:
    # PKITS 4.4.9: the authority has a list, and what it says cannot be known.
    root = ca("Telling Root")
    alice = root.issue("alice@example.org")
    stale = root.crl(at=AT - timedelta(days=30))
    for mode, status in (("soft", "trusted"), ("hard", "untrusted"), ("require", "untrusted")):
        result = ask(alice, mode, crls=[stale], root=root)
        assert (result.status, result.revocation) == (status, "unknown")
    assert ask(alice, "hard", crls=[STRANGER.crl()], root=root).revocation == "not-checked"


def test_revocation_counts_without_being_declared() -> None:
    # The library would not look at a list in hand when the certificate names no place for it.
    root = ca("Undeclared Root")
    alice = root.issue("alice@example.org", revoked="2026-01-01")
    assert ask(alice, crls=[root.crl()], root=root).status == "revoked"


def _forged(authority: TestCA) -> bytes:
    return authority.crl(private=private_key("p256", "forger"))


USELESS = [
    ("stale", lambda: SUB.crl(at=AT - timedelta(days=30))),
    ("of a stranger", STRANGER.crl),
    ("forged", lambda: _forged(SUB)),
    ("signed with SHA-1", lambda: sha1_list(SUB)),
    ("changed", lambda: SUB.crl()[:-1] + b"\0"),
    ("cut short", lambda: SUB.crl()[:-20]),
    ("with octets behind", lambda: SUB.crl() + b"\0"),
    ("empty", lambda: b""),
    ("no list", lambda: b"\x30\x03\x02\x01\x01"),
    ("a certificate", lambda: SUB.certificate),
    (
        "with an unknown critical extension",
        lambda: SUB.crl(
            extensions=[
                (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
            ]
        ),
    ),
    (
        "about authorities only",
        lambda: SUB.crl(
            extensions=[
                (
                    x509.IssuingDistributionPoint(
                        full_name=None,
                        relative_name=None,
                        only_contains_user_certs=False,
                        only_contains_ca_certs=True,
                        only_some_reasons=None,
                        indirect_crl=False,
                        only_contains_attribute_certs=False,
                    ),
                    True,
                )
            ]
        ),
    ),
]


@pytest.mark.parametrize(("name", "make"), USELESS)
def test_list_that_does_not_count_is_no_list(name: str, make: object) -> None:
    data = [make(), ROOT.crl()]  # type: ignore[operator]
    for identity in (GOOD, BAD):
        result = ask(identity, "hard", crls=data)
        assert (result.status, result.revocation) == ("untrusted", "unknown")
        assert codes(result) == [REVOCATION_UNKNOWN]


def test_revocation_begins_at_its_date() -> None:  # T57
    later = SUB.issue("later@example.org", revoked=HOLIDAY)
    data = [SUB.crl(at=HOLIDAY + timedelta(days=2)), ROOT.crl(at=HOLIDAY + timedelta(days=2))]
    assert ask(later, crls=data, at=HOLIDAY - timedelta(days=1)).status == "trusted"
    assert ask(later, crls=data, at=HOLIDAY + timedelta(days=1)).status == "revoked"


def test_revoked_authority_takes_its_leaves_with_it() -> None:
    root = ca("Angry Root", url=URL)
    sub = ca("Lost Sub", root, url=URL)
    root.revoked[Certificate.from_der(sub.certificate).serial] = AT - timedelta(days=3)
    result = ask(sub.issue("alice@example.org"), crls=[sub.crl(), root.crl()], root=root)
    assert result.status == "revoked"
    assert result.reasons == (f"{REVOKED}: CN=Lost Sub",)


def test_revoked_authority_with_another_certificate_is_not_lost() -> None:
    root = ca("Two Faced Root", url=URL)
    key = private_key("p256", "two certificates")
    old, new = ca("Reissued", root, private=key), ca("Reissued", root, private=key)
    root.revoked[Certificate.from_der(old.certificate).serial] = AT - timedelta(days=3)
    alice = old.issue("alice@example.org")
    data = [root.crl(), old.crl()]
    for pool in ([old.certificate, new.certificate], [new.certificate, old.certificate]):
        assert ask(replace(alice, chain=tuple(pool)), crls=data, root=root).status == "trusted"


def test_message_cannot_talk_the_store_down() -> None:
    # An old list from the time before, in the message; the new one in the store.
    innocent = replace(BAD, issuer=None)
    old = TestCA(SUB.name, SUB.key, SUB.parent, SUB.url)
    old.certificate = SUB.certificate
    clean = old.crl()
    result = ask(innocent, "hard", crls=[clean, ROOT.crl()], store=Store(BOTH))
    assert result.status == "revoked"


def test_rubbish_in_the_message_does_not_use_up_the_check_of_the_store() -> None:
    rubbish = [_forged(SUB) for _ in range(20)]
    fakes = [ca("Revocation Sub", private=private_key("p256", f"rub {n}")) for n in range(40)]
    pool = [each.certificate for each in fakes]
    result = ask(BAD, "soft", crls=rubbish, store=Store(BOTH), others=pool)
    assert result.status == "revoked"


RESPONDER = SUB.issue(
    "responder@example.org",
    usage=("digital_signature",),
    extended=("ocsp_signing",),
    extensions=[(x509.OCSPNoCheck(), False)],
)
NO_RESPONDER = SUB.issue("mallory@example.org", usage=("digital_signature",))
ROOT_SAYS = ROOT.ocsp(SUB.identity)


def test_responses_tell_good_from_revoked() -> None:
    for word in ({}, {"responder": RESPONDER}, {"nonce": b"12345678"}):
        data = [SUB.ocsp(GOOD, **word), SUB.ocsp(BAD, **word), ROOT_SAYS]
        assert ask(GOOD, "hard", store=Store((), data)).revocation == "good"
        assert ask(BAD, "hard", store=Store((), data)).status == "revoked"


USELESS_RESPONSES = [
    ("stale", lambda: SUB.ocsp(GOOD, at=AT - timedelta(days=3))),
    ("signed with SHA-1", lambda: sha1_response(SUB, GOOD)),
    ("about somebody else", lambda: SUB.ocsp(BAD)),
    ("by a stranger", lambda: STRANGER.ocsp(GOOD)),
    ("by a leaf that is no responder", lambda: SUB.ocsp(GOOD, responder=NO_RESPONDER)),
    ("changed", lambda: SUB.ocsp(GOOD)[:-1] + b"\0"),
    ("not successful", lambda: bytes.fromhex("30030a0106")),
    ("empty", lambda: b""),
    ("no response", lambda: b"hello"),
]


@pytest.mark.parametrize(("name", "make"), USELESS_RESPONSES)
def test_response_that_does_not_count_is_no_response(name: str, make: object) -> None:
    data = [make(), ROOT_SAYS]  # type: ignore[operator]
    result = ask(GOOD, "hard", store=Store((), data))
    assert (result.status, result.revocation) == ("untrusted", "unknown")


def test_list_answers_where_no_response_does() -> None:
    store = Store([SUB.crl()], [SUB.ocsp(GOOD, at=AT - timedelta(days=3)), ROOT_SAYS])
    assert ask(GOOD, "hard", store=store).revocation == "good"
    assert ask(BAD, "hard", store=store).status == "revoked"


def test_bad_news_from_either_side_counts() -> None:
    clean = TestCA(SUB.name, SUB.key, SUB.parent, SUB.url)
    clean.certificate = SUB.certificate
    store = Store([SUB.crl()], [clean.ocsp(BAD), ROOT_SAYS])
    assert ask(BAD, "soft", store=store).status == "revoked"


def test_unknown_is_asked_again_soon_and_good_is_kept_for_a_minute() -> None:
    store = Store()
    leaf, pool = Certificate.from_der(GOOD.certificate), [Certificate.from_der(SUB.certificate)]
    roots = anchors(ROOT)

    def look(after: int) -> str:
        at = AT + timedelta(seconds=after)
        return validate(leaf, pool, roots, at=at, source=store).revocation

    assert look(0) == "unknown"
    store.lists = BOTH
    assert look(3) == "unknown"
    assert look(6) == "good"
    store.lists = ()
    assert look(60) == "good"
    assert look(70) == "unknown"


def test_store_is_asked_once_for_a_thousand_messages_of_one_signer() -> None:
    store = Store(BOTH)
    leaf, pool = Certificate.from_der(GOOD.certificate), [Certificate.from_der(SUB.certificate)]
    roots = anchors(ROOT)
    for _ in range(1000):
        assert validate(leaf, pool, roots, at=AT, source=store).revocation == "good"
    assert store.asked == [
        "CN=good by CN=Revocation Sub",
        "CN=Revocation Sub by CN=Revocation Root",
    ]


def test_responder_usage_is_what_makes_a_responder() -> None:
    certificate = Certificate.from_der(RESPONDER.certificate)
    usage = certificate.extended_key_usage or frozenset()
    assert ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in usage


def test_pause_of_the_interpreter_is_not_held_against_lists_of_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = pause(monkeypatch, 1)
    assert ask(SUB.issue("paused@example.org"), "hard", crls=BOTH).revocation == "good"
    assert len(made) == 3, "that of the path, and two for the lists"


def test_lists_of_a_message_have_no_more_than_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pause(monkeypatch, 1, 2, 3)
    result = ask(SUB.issue("slow@example.org"), "hard", crls=BOTH)
    assert (result.status, result.revocation) == ("untrusted", "unknown")
    assert len(made) == 3
