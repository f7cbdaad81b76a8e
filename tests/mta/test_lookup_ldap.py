"""A directory is asked for one address and believed no further (T98)."""

import contextlib
import ssl
import time
from collections.abc import Iterator

import pytest

from app.cms.certs_only import build_certs_only
from app.model.errors import CannotLookUp
from app.model.sources import parse_source
from app.mta import lookup_ldap
from app.mta.lookup_ldap import ask_directory, filter_of
from tests import slapd
from tests.mta.ldapserver import DONE, Scripted, done, entry, extended, reference
from tests.slapd import BASE, TLS_ROOT, Directory, Person, referral
from tests.testpki import ca, pem
from tools.organisation import free_port

PAUL, QUITTA, MANY = "paul@sued.example", "quitta@sued.example", "many@sued.example"
ODD = "o'neill*x@sued.example"
ROOT = ca("Look-up Root")
PAULS, QUITTAS = ROOT.issue(PAUL), ROOT.issue(QUITTA)
NOWHERE = "ldap://192.0.2.1/dc=elsewhere"

INJECTIONS = (
    "*",
    "*@sued.example",
    "p*@sued.example",
    "x)(mail=*",
    "x)(|(mail=*))@sued.example",
    f"{PAUL})(objectClass=*",
    "\\2a@sued.example",
    "paul\0@sued.example",
    "pau\\6c@sued.example",
    "&(mail=paul@sued.example)",
    "",
)


def trusting(root: bytes = TLS_ROOT.root) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem(root).decode())


@pytest.fixture(autouse=True)
def has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every server long enough for a machine that is busy with other tests."""
    monkeypatch.setattr(lookup_ldap, "SECONDS", 60.0)


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    if slapd.program() is None:
        pytest.skip(f"no slapd: {slapd.INSTALL}")
    people = [
        Person("paul", [PAUL], [PAULS.certificate]),
        Person("quitta", ["q@sued.example", QUITTA], (), [build_certs_only([QUITTAS.certificate])]),
        Person("Jörg Müller", ["joerg@sued.example"], [PAULS.certificate]),
        Person("odd", [ODD], [PAULS.certificate]),
        Person("broken", ["broken@sued.example"], (), [b"no certificate"]),
        Person("without", ["without@sued.example"]),
        *(Person(f"many {number}", [MANY], [PAULS.certificate]) for number in range(11)),
        *(Person(f"ten {number}", ["ten@sued.example"]) for number in range(10)),
    ]
    with Directory(people, referral("elsewhere", NOWHERE)) as server:
        yield server


def secure(server: Directory, *, base: str = BASE) -> str:
    return f"ldaps://127.0.0.1:{server.secure}/{base}"


def ask(entry: str, address: str) -> tuple[bytes, ...]:
    return ask_directory(parse_source(entry), address, trusting())


@pytest.mark.interop
@pytest.mark.parametrize("form", ["ldaps", "starttls", "plain"])
def test_the_certificate_of_an_address_is_found(directory: Directory, form: str) -> None:
    where = {
        "ldaps": secure(directory),
        "starttls": f"ldap://127.0.0.1:{directory.plain}/{BASE}?starttls",
        "plain": f"ldap://127.0.0.1:{directory.plain}/{BASE}",
    }[form]
    assert ask(where, PAUL) == (PAULS.certificate,)
    assert ask(where, PAUL.upper()) == (PAULS.certificate,)
    assert ask(where, QUITTA) == (QUITTAS.certificate,), "second mail, in a SignedData"


@pytest.mark.interop
@pytest.mark.parametrize(
    "address", ["nobody@sued.example", "broken@sued.example", "without@sued.example"]
)
def test_who_has_none_has_none(directory: Directory, address: str) -> None:
    assert ask(secure(directory), address) == ()


@pytest.mark.interop
@pytest.mark.parametrize("address", INJECTIONS)
def test_no_address_widens_the_question(directory: Directory, address: str) -> None:
    assert ask(secure(directory), address) == ()


@pytest.mark.interop
def test_a_base_may_have_blanks_and_umlauts(directory: Directory) -> None:
    base = f"cn=J%C3%B6rg%20M%C3%BCller,{BASE}"
    assert ask(secure(directory, base=base), "joerg@sued.example") == (PAULS.certificate,)
    assert ask(secure(directory, base=base), PAUL) == ()


@pytest.mark.interop
def test_an_odd_address_is_found_as_it_is(directory: Directory) -> None:
    assert ask(secure(directory), ODD) == (PAULS.certificate,)
    assert ask(secure(directory), ODD.replace("x", "")) == ()


@pytest.mark.interop
def test_more_than_ten_entries_are_no_answer(directory: Directory) -> None:
    with pytest.raises(CannotLookUp, match="sizeLimitExceeded"):
        ask(secure(directory), MANY)
    assert ask(secure(directory), "ten@sued.example") == ()


@pytest.mark.interop
@pytest.mark.parametrize(
    ("base", "why"),
    [
        (f"cn=elsewhere,{BASE}", "referral"),
        (f"cn=below,cn=elsewhere,{BASE}", "referral"),
        (f"cn=nobody,{BASE}", "noSuchObject"),
        ("dc=other", "noSuchObject"),
        ("a=b", "invalidDNSyntax|noSuchObject"),
    ],
)
def test_what_lies_elsewhere_is_not_followed(directory: Directory, base: str, why: str) -> None:
    with pytest.raises(CannotLookUp, match=why):
        ask(secure(directory, base=base), PAUL)


@pytest.mark.interop
@pytest.mark.parametrize("form", ["ldaps", "starttls"])
@pytest.mark.parametrize("fault", ["another authority", "another name"])
def test_a_server_that_is_not_the_one_is_not_asked(form: str, fault: str) -> None:
    if slapd.program() is None:
        pytest.skip(f"no slapd: {slapd.INSTALL}")
    authority = ca("Foreign Root") if fault == "another authority" else TLS_ROOT
    name = "dir.example" if fault == "another name" else ""
    with Directory([Person("paul", [PAUL], [PAULS.certificate])], tls=authority, name=name) as one:
        plain = f"ldap://127.0.0.1:{one.plain}/{BASE}"
        assert ask(plain, PAUL), "it answers those who do not look"
        with pytest.raises(CannotLookUp):
            ask(secure(one) if form == "ldaps" else f"{plain}?starttls", PAUL)


@pytest.mark.interop
def test_a_server_that_is_down_gives_no_answer() -> None:
    with pytest.raises(CannotLookUp):
        ask(f"ldap://127.0.0.1:{free_port()}/{BASE}", PAUL)


@pytest.mark.parametrize("address", INJECTIONS)
def test_an_address_is_only_a_value_in_the_filter(address: str) -> None:
    inside = filter_of(address).removeprefix("(mail=").removesuffix(")")
    assert not set(inside) & set("*()\0")


def plain(server: Scripted) -> str:
    return f"ldap://127.0.0.1:{server.port}/{BASE}"


# An entry that was not asked for, and a few that were.
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([entry("cn=a", mail=[QUITTA], userCertificate=[PAULS.certificate]), DONE], ()),
        ([entry("cn=a", userCertificate=[PAULS.certificate]), DONE], ()),
        ([entry("cn=a", mail=[PAUL], usercertificate=[PAULS.certificate]), DONE], (PAULS,)),
        ([reference(NOWHERE), DONE], ()),
        ([reference(NOWHERE), entry("cn=a", MAIL=[PAUL], userCertificate=[b""]), DONE], ()),
    ],
)
def test_only_entries_of_the_very_address_count(
    answers: list[tuple[int, bytes]], expected: tuple[object, ...]
) -> None:
    with Scripted(answers) as server:
        found = ask(plain(server), PAUL)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [done(51)],
        [done(10)],
        [(0x65, b"")],
        [(0x64, b"\x04")],
        [(0x04, b"nonsense")],
        [(0x65, b"\x0a\x01\x00" + b"\x30\x84\xff\xff\xff\xff")],
        [entry(f"cn={each}", mail=[PAUL]) for each in range(11)] + [DONE],
        [entry("cn=a", mail=[b"x" * 100_000] * 11), DONE],
        [entry("cn=a", mail=[PAUL])],
    ],
)
def test_what_is_no_answer_raises_one_line(answers: list[tuple[int, bytes]]) -> None:
    with Scripted(answers) as server, pytest.raises(CannotLookUp) as failed:
        ask(plain(server), PAUL)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "octets", [b"HTTP/1.1 400 Bad\r\n\r\n", b"\x30\x00", b"\x30\x80", b"\0" * 99]
)
def test_what_is_no_ldap_raises_one_line(octets: bytes) -> None:
    with Scripted([], raw=octets) as server, pytest.raises(CannotLookUp):
        ask(plain(server), PAUL)


@pytest.mark.parametrize(("pause", "octets"), [(9.0, b""), (0.01, b"\x30\x84\x7f\xff\xff\xff")])
def test_a_slow_server_gives_no_answer(
    monkeypatch: pytest.MonkeyPatch, pause: float, octets: bytes
) -> None:
    monkeypatch.setattr(lookup_ldap, "SECONDS", 0.3)
    before = time.monotonic()
    with Scripted([], raw=octets, drip=pause) as server, pytest.raises(CannotLookUp):
        ask(plain(server), PAUL)
    assert time.monotonic() - before < 30


# T26: what is said before the handshake does not count after it.
def test_refused_starttls_is_the_end() -> None:
    with Scripted([extended(52)]) as server, pytest.raises(CannotLookUp):
        ask(f"{plain(server)}?starttls", PAUL)
    injected = [extended(0), entry("cn=a", mail=[PAUL], userCertificate=[PAULS.certificate]), DONE]
    with Scripted(injected) as server, pytest.raises(CannotLookUp):
        ask(f"{plain(server)}?starttls", PAUL)


def test_nobody_is_spoken_to_in_clear() -> None:
    with Scripted([DONE]) as server:
        with contextlib.suppress(CannotLookUp):
            ask(f"ldaps://127.0.0.1:{server.port}/{BASE}", PAUL)
        assert PAUL.encode() not in bytes(server.heard)
