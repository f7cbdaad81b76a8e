import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.smime.sign import sign
from tests.cli.conftest import Command
from tests.testpki import AT, TestCA, TestIdentity, dn

Issue = Callable[[str], TestIdentity]


@pytest.fixture(name="bob")
def make_bob(issued: Issue) -> TestIdentity:
    return issued("bob@sued.example")


@pytest.fixture(name="entry")
def make_entry(command: Command, bob: TestIdentity) -> str:
    return str(command.ask("partner", "import", command.file("bob.pem", bob.pem))[0]["id"])


@pytest.mark.parametrize("form", ["pem", "der", "p7b", "p7b-pem"])
def test_every_form_of_certificate_is_imported(
    command: Command, bob: TestIdentity, form: str
) -> None:
    octets = {
        "pem": bob.pem,
        "der": bob.certificate,
        "p7b": pkcs7.serialize_certificates([bob.x509], Encoding.DER),
        "p7b-pem": pkcs7.serialize_certificates([bob.x509], Encoding.PEM),
    }[form]
    (row,) = command.ask("partner", "import", command.file("bob", octets))
    assert (row["name"], row["source"], row["status"]) == ("bob@sued.example", "manual", "enabled")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_signed_message_brings_the_certificate_of_its_signer(
    command: Command, bob: TestIdentity, root: TestCA, line_end: bytes
) -> None:
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    octets = sign(
        b"From: bob@sued.example\r\nSubject: x\r\n\r\nHello\r\n",
        Signer(bob.certificate, load_private_key(bob.private_pkcs8), ()),
        form="clear",
        at=AT,
        token=b"=_boundary",
    )
    file = command.file("bob.eml", octets.replace(b"\r\n", line_end))
    assert command.ask("partner", "import", file)[0]["name"] == "bob@sued.example"


def test_a_message_that_was_changed_brings_no_more_than_the_certificate(
    command: Command, bob: TestIdentity
) -> None:
    octets = sign(
        b"From: bob@sued.example\r\n\r\nHello\r\n",
        Signer(bob.certificate, load_private_key(bob.private_pkcs8), ()),
        form="clear",
        at=AT,
        token=b"=_boundary",
    )
    file = command.file("bob.eml", octets.replace(b"Hello", b"Hullo"))
    out = command.ok("partner", "import", file)
    assert "\nwarning: the message's signature is invalid: " in out
    assert command.ask("partner", "list")[0]["capabilities"] is None


def test_an_import_shows_the_fingerprint_to_compare(command: Command, bob: TestIdentity) -> None:
    text = command.ok("partner", "import", command.file("bob.pem", bob.pem))
    assert "compare the fingerprint with its owner: " in text  # B3


def test_a_certificate_is_filed_under_a_domain(command: Command, bob: TestIdentity) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--for", "sued.example")
    (row,) = command.ask(*words, "--include-subdomains")
    assert (row["name"], row["is_domain"], row["include_subdomains"]) == (
        "sued.example",
        True,
        True,
    )


def test_sub_domains_go_with_a_domain(command: Command, bob: TestIdentity) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--include-subdomains")
    for given in (words, (*words, "--for", "info@sued.example")):
        assert "--include-subdomains goes with a domain" in command.refused(*given)


def test_an_entry_is_disabled_enabled_and_removed(command: Command, entry: str) -> None:
    assert command.ask("partner", "disable", entry)["status"] == "disabled"
    assert command.ask("partner", "show", entry)["status"] == "disabled"
    assert command.ask("partner", "enable", entry)["status"] == "enabled"
    assert "may come back" in command.ok("partner", "remove", entry)
    assert command.ask("partner", "list") == []


def test_the_list_can_be_narrowed(command: Command, entry: str) -> None:
    assert len(command.ask("partner", "list", "--name", "bob@sued.example")) == 1
    assert command.ask("partner", "list", "--name", "eve@sued.example") == []
    assert command.ask("partner", "list", "--expires-before", "2030-01-01") == []
    assert len(command.ask("partner", "list", "--expires-before", "2050-01-01T00:00:00Z")) == 1


# B3: warn on expired, weak, no e-mail usage
def test_what_cannot_encrypt_is_taken_with_a_warning(command: Command, root: TestCA) -> None:
    web = root.issue("www@sued.example", extended=("server_auth",))
    out = command.ok("partner", "import", command.file("web.pem", web.pem))
    assert "\nwarning: not used to encrypt: the certificate is not for mail" in out
    old = root.issue("old@sued.example", not_after=datetime(2025, 1, 1, tzinfo=UTC))
    out = command.ok("partner", "import", command.file("old.pem", old.pem))
    assert "\nwarning: not used to encrypt: expired: 2025-01-01" in out


def test_an_authority_is_no_partner(command: Command, root: TestCA) -> None:
    line = command.refused("partner", "import", command.file("ca.pem", root.identity.pem))
    assert "sealmon trust add" in line


def test_our_own_people_are_no_partners(command: Command, issued: Issue) -> None:
    alice = issued("alice@nord.example")
    line = command.refused("partner", "import", command.file("alice.pem", alice.pem))
    assert "nord.example is managed" in line


def test_a_certificate_without_address_needs_a_name(command: Command, root: TestCA) -> None:
    nobody = root.issue((), subject=dn("Nobody"))
    file = command.file("nobody.pem", nobody.pem)
    assert "say for whom it is: --for ADDRESS" in command.refused("partner", "import", file)
    command.ok("partner", "import", file, "--for", "nobody@sued.example")


@pytest.mark.parametrize("name", ["com", "*@sued.example", "sued.example.", "no address", "", "@"])
def test_a_name_that_cannot_be_is_refused_or_normalised(
    command: Command, bob: TestIdentity, name: str
) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--for", name)
    if name == "sued.example.":
        assert command.ask(*words)[0]["name"] == "sued.example"
    else:
        assert repr(name) in command.refused(*words)  # D2


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"nonsense",
        b"\x30\x03\x02\x01",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"From: bob@sued.example\r\n\r\nnot signed",
        b"\x30\x80" * 5000,
    ],
)
def test_a_file_without_certificates_is_refused(command: Command, octets: bytes) -> None:
    line = command.refused("partner", "import", command.file("bob.crt", octets))
    assert "bob.crt: " in line


# A tired postmaster takes the wrong file, or the wrong line.
TAKEN_FOR_ONE = [
    ("PKCS#12", "b.p12", "sealmon key import"),
    ("key", "k.pem", "this is a private key"),
    ("request", "r.pem", "a request for a certificate"),
    ("archive", "c.zip", "unpack it first"),
    ("nothing", "e.pem", "the file is empty"),
]


@pytest.mark.parametrize(("what", "name", "why"), TAKEN_FOR_ONE)
@pytest.mark.parametrize("verb", ["partner import", "trust add"])
def test_what_is_no_certificate_is_called_what_it_is(
    command: Command, bob: TestIdentity, verb: str, what: str, name: str, why: str
) -> None:
    key = serialization.load_der_private_key(bob.private_pkcs8, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    request = x509.CertificateSigningRequestBuilder().subject_name(dn("Bob"))
    octets = {
        "PKCS#12": pkcs12.serialize_key_and_certificates(
            b"x", key, bob.x509, None, serialization.BestAvailableEncryption(b"x")
        ),
        "key": bob.key_pem,
        "request": request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM),
        "archive": b"PK\x03\x04" + bytes(100),
        "nothing": b" \n",
    }[what]
    assert why in command.refused(*verb.split(), command.file(name, octets))


# D2: whoever types the wrong line would encrypt to the wrong person.
@pytest.mark.parametrize("name", ["eve@sued.example", "bob@nord-sued.example"])
def test_a_certificate_of_another_address_is_taken_with_a_warning(
    command: Command, bob: TestIdentity, name: str
) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--for")
    assert "\nwarning: it names another address: bob@sued.example" in command.ok(*words, name)
    assert "warning" not in command.ok(*words, "Bob@SUED.example")


@pytest.mark.parametrize("name", ["192.0.2.1", "bob@192.0.2.1"])
def test_a_number_is_no_domain(command: Command, bob: TestIdentity, name: str) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--for", name)
    assert repr(name) in command.refused(*words)


@pytest.mark.parametrize("verb", ["show", "disable", "enable", "remove"])
@pytest.mark.parametrize("id_", ["99", "-- -1", "abc", "9" * 30, "1.5", "\u0661"])
def test_an_unknown_entry_is_named(command: Command, entry: str, verb: str, id_: str) -> None:
    line = command.refused("partner", verb, *id_.split())
    assert "there is no entry" in line
    assert "sealmon partner list" in line


# "Encryption decision": the override "only this one"
def test_one_entry_can_be_made_the_only_one_that_is_used(
    command: Command, root: TestCA, entry: str
) -> None:
    other = root.issue("bob@sued.example", key="rsa2048")
    command.ok("partner", "import", command.file("other.pem", other.pem))
    assert "is the only one that is used" in command.ok("partner", "only", entry)
    flags = {row["id"]: row["only_this_one"] for row in command.ask("partner", "list")}
    assert flags == {int(entry): True, int(entry) + 1: False}
    assert "ONLY THIS ONE" in command.ok("partner", "list")
    assert "one of all" in command.ok("partner", "only", entry, "--off")
    assert not command.ask("partner", "show", entry)["only_this_one"]
    command.ok("partner", "disable", entry)
    assert "partner enable" in command.refused("partner", "only", entry)
    assert "partner list" in command.refused("partner", "only", "99")


def test_days_of_grace_are_given_and_taken(command: Command, entry: str) -> None:
    assert "has 14 days of grace" in command.ok("partner", "grace", entry, "14")
    assert command.ask("partner", "show", entry)["grace_days"] == 14
    assert "as policy says" in command.ok("partner", "grace", entry, "--as-policy")
    assert command.ask("partner", "show", entry)["grace_days"] is None
    for words in ((), ("-1",), ("3651",), ("x",), ("3", "--as-policy")):
        assert command.run("partner", "grace", entry, *words).exit_code == 2
    assert command.ask("partner", "show", entry)["grace_days"] is None


# D1: "self-made is enough", and this is what people make themselves
@pytest.mark.interop
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_what_openssl_makes_is_taken_for_a_domain_and_for_nobody(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "sued.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 900 -subj /CN=sued.example"
    words += f" -keyout {tmp_path / 'key.pem'} -out {file}"
    subprocess.run(words.split(), check=True, capture_output=True)
    assert "--for DOMAIN" in command.refused("partner", "import", file, "--for", "x@sued.example")
    (row,) = command.ask("partner", "import", file, "--for", "sued.example")
    assert "CA:TRUE" in row["warnings"][0]
    plan = command.ask("explain", "--from", "a@b.example", "--to", "bob@sued.example")
    assert plan["encrypt"]["fingerprints"] == [row["fingerprint"]]
