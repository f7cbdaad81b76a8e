import io
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from app.model.masterkey import create_master_key
from tests.cli.conftest import PASSWORD, Command, key_file
from tests.testpki import TestCA, TestIdentity, pem, sign

Issue = Callable[[str], TestIdentity]


def p12(identity: TestIdentity, password: str = PASSWORD) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(
        b"name", identity.key, identity.x509, None, encryption
    )


@pytest.fixture(name="alice")
def make_alice(issued: Issue) -> TestIdentity:
    return issued("alice@nord.example")


@pytest.fixture(name="password")
def make_password(command: Command) -> str:
    return str(command.file("password", PASSWORD + "\n"))


def test_pkcs12_is_imported_with_its_password(
    command: Command, alice: TestIdentity, password: str
) -> None:
    file = command.file("alice.p12", p12(alice))
    (row,) = command.ask("key", "import", file, "--password-file", password)
    assert row["addresses"] == ["alice@nord.example"]
    assert command.ask("key", "show", row["id"])["fingerprint"] == row["fingerprint"]
    assert row["id"] in command.ok("key", "list")


def test_a_password_may_come_from_stdin(command: Command, alice: TestIdentity) -> None:
    file = command.file("alice.p12", p12(alice))
    command.ok("key", "import", file, "--password-file", "-", stdin=f"{PASSWORD}\n".encode())


def test_pem_and_unprotected_pkcs12_need_no_password(command: Command, alice: TestIdentity) -> None:
    first = command.ask("key", "import", command.file("alice.pem", key_file(alice)))
    again = command.ask("key", "import", command.file("alice.p12", p12(alice, "")))
    assert first[0]["id"] == again[0]["id"]
    assert len(command.ask("key", "list")) == 1


def test_a_zip_of_pkcs12_is_imported_whole(command: Command, issued: Issue, password: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("alice", "bernd", "carla"):
            archive.writestr(f"{name}.p12", p12(issued(f"{name}@nord.example")))
    file = command.file("keys.zip", packed.getvalue())
    assert len(command.ask("key", "import", file, "--password-file", password)) == 3


def test_one_bad_member_of_a_zip_stores_none(
    command: Command, issued: Issue, password: str
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("alice.p12", p12(issued("alice@nord.example")))
        archive.writestr("bernd.p12", p12(issued("bernd@nord.example"), "another"))
    file = command.file("keys.zip", packed.getvalue())
    line = command.refused("key", "import", file, "--password-file", password)
    assert "bernd.p12: the password does not open" in line


def test_an_expired_key_is_imported(command: Command, root: TestCA) -> None:
    old = root.issue("old@nord.example", not_after=datetime(2025, 1, 1, tzinfo=UTC))
    (row,) = command.ask("key", "import", command.file("old.pem", key_file(old)))  # C3
    assert row["not_after"] == "2025-01-01T00:00:00Z"


def test_a_request_is_made_and_answered(command: Command, root: TestCA) -> None:
    row = command.ask("key", "request", "carla@nord.example", "--kind", "ec-p256")
    assert row["state"] == "requested"
    csr = x509.load_pem_x509_csr(row["request"].encode())
    assert csr.is_signature_valid
    certificate = root.issue("carla@nord.example").x509
    answer = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(root.name)
        .public_key(csr.public_key())
        .serial_number(77)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .add_extension(
            csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, False
        )
    )
    octets = pem(sign(answer, root.key))
    answered = command.ask("key", "answer", command.file("carla.crt", octets))
    assert answered["addresses"] == ["carla@nord.example"]
    assert (answered["id"], answered["state"]) == (row["id"], "active")


def test_a_request_goes_to_a_file(command: Command) -> None:
    out = command.folder / "carla.csr"
    command.ok("key", "request", "carla@nord.example", "--kind", "ec-p256", "--out", out)
    assert out.read_text().startswith("-----BEGIN CERTIFICATE REQUEST-----")


def test_a_request_is_printed_to_paste(command: Command) -> None:
    text = command.ok("key", "request", "carla@nord.example", "--kind", "ec-p256")
    assert text.startswith("-----BEGIN CERTIFICATE REQUEST-----\n")
    assert text.endswith("-----END CERTIFICATE REQUEST-----\n")


def test_an_exported_key_opens_with_its_new_password(
    command: Command, alice: TestIdentity, password: str
) -> None:
    (row,) = command.ask("key", "import", command.file("alice.pem", key_file(alice)))
    out = command.folder / "out.p12"
    command.ok("key", "export", row["id"], "--out", out, "--password-file", password)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    loaded = pkcs12.load_pkcs12(out.read_bytes(), PASSWORD.encode())
    assert loaded.cert is not None
    assert loaded.cert.certificate == alice.x509
    line = command.refused("key", "export", row["id"], "--out", out, "--password-file", password)
    assert "exists and is not replaced" in line


# T130: whoever sits at the command has the database; a key leaves only with the master key, and
# only under a password that is given now.
@pytest.mark.parametrize("what", ["without master key", "with another", "without password"])
def test_no_key_leaves_without_what_it_is_sealed_to(
    command: Command, alice: TestIdentity, password: str, what: str
) -> None:
    (row,) = command.ask("key", "import", command.file("alice.pem", key_file(alice)))
    master = command.folder / "keys" / "master.key"
    words = ["key", "export", row["id"], "--out", command.folder / "out.p12"]
    if what == "without password":
        line = command.refused(*words)
        assert "use --password-file" in line
        words += ["--password-file", command.file("empty", "")]
    else:
        master.unlink()
        words += ["--password-file", password]
    if what == "with another":
        create_master_key(master)
    command.refused(*words)
    assert not (command.folder / "out.p12").exists()


def test_a_retired_key_stays(command: Command) -> None:
    key = command.ask("key", "new", "alice@nord.example", "--kind", "ec-p256")["id"]
    assert command.ask("key", "retire", key)["state"] == "retired"
    assert [row["state"] for row in command.ask("key", "list")] == ["retired"]


def test_a_key_shared_by_two_owners_is_told(command: Command, root: TestCA) -> None:
    alice = root.issue("alice@nord.example")
    mallory = root.issue("mallory@nord.example", private=alice.key)
    command.ok("key", "import", command.file("a.pem", key_file(alice)))
    text = command.ok("key", "import", command.file("m.pem", key_file(mallory)))
    assert "warning: its private key is also that of alice@nord.example" in text  # T100


def test_no_private_key_lies_open_in_the_database(command: Command, alice: TestIdentity) -> None:
    command.ok("key", "import", command.file("alice.pem", key_file(alice)))
    stored = (command.folder / "sealmon.db").read_bytes()
    assert alice.certificate in stored
    assert alice.private_pkcs8 not in stored  # T129
    secret = alice.key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in stored


@pytest.mark.parametrize("password", [None, "wrong", ""])
def test_a_wrong_password_says_so(
    command: Command, alice: TestIdentity, password: str | None
) -> None:
    words = ["key", "import", command.file("alice.p12", p12(alice))]
    if password is not None:
        words += ["--password-file", command.file("password", password)]
    expected = "is needed and there is no terminal" if password is None else "does not open"
    assert expected in command.refused(*words)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "holds no private key"),
        (b"nonsense", "holds no private key"),
        (b"\x30\x03\x02\x01", "keys.pem: this is no PKCS#12 file"),
        (b"\x30\x82\xff\xff" + b"\x00" * 500, "no PKCS#12 file"),
        (b"PK\x03\x04" + b"\x00" * 100, "ZIP"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n", "the"),
    ],
)
def test_a_file_without_keys_is_refused(command: Command, octets: bytes, expected: str) -> None:
    assert expected in command.refused("key", "import", command.file("keys.pem", octets))


def test_a_certificate_alone_is_no_key(command: Command, alice: TestIdentity) -> None:
    line = command.refused("key", "import", command.file("alice.crt", alice.pem))
    assert "holds no private key" in line


# C4: aliases and shared mailboxes
def test_a_key_is_bound_to_a_further_address(command: Command, alice: TestIdentity) -> None:
    (row,) = command.ask("key", "import", command.file("alice.pem", key_file(alice)))
    bound = command.ask("key", "bind", row["id"], "info@nord.example")
    assert bound["addresses"] == [*row["addresses"], "info@nord.example"]
    assert "no address" in command.refused("key", "bind", row["id"], "nobody")
    assert "sealmon key list" in command.refused("key", "bind", "abcd", "info@nord.example")


# D1: a certificate made by openssl req -x509 says CA:TRUE
def test_the_key_of_an_authority_is_taken_with_a_warning(command: Command, root: TestCA) -> None:
    out = command.ok("key", "import", command.file("ca.pem", key_file(root.identity)))
    assert "warning: its certificate is a certificate authority's (CA:TRUE)" in out
    found = command.ask("check")
    assert "key-cannot-sign" in {each["id"] for each in found}
    assert "shared-key" not in {each["id"] for each in found}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("import", "absent.p12"), "absent.p12: No such file or directory"),
        (("import", "."), "Is a directory"),
        (("show", "none"), "there is no key none: see sealmon key list"),
        (("retire", "none"), "there is no key none"),
        (("export", "none", "--out", "x", "--password-file", "y"), "there is no key none"),
        (("new",), "give an address"),
        (("new", "nonsense", "--kind", "ec-p256"), "'nonsense' is no address"),
        (("new", "a@b.example", "--days", "0"), "0 days"),
        (("new", "--domain", "com"), "'com'"),
        (("request", "a b@c.example"), "'a b@c.example'"),
        (("answer", "absent"), "absent: No such file"),
    ],
)
def test_bad_words_are_refused_in_one_line(
    command: Command, words: tuple[str, ...], expected: str
) -> None:
    assert expected in command.refused("key", *words)


@pytest.mark.parametrize(
    "words", [("request",), ("new", "--kind", "rsa-1024"), ("new", "--days", "x"), ("export", "a")]
)
def test_wrong_usage_is_status_two(command: Command, words: tuple[str, ...]) -> None:
    assert "--help" in command.refused("key", *words, status=2)


def test_an_answer_to_nothing_is_refused(command: Command, alice: TestIdentity) -> None:
    line = command.refused("key", "answer", command.file("alice.crt", alice.pem))
    assert "no waiting request" in line
