"""Keys, certificates and lists that nobody here made are taken, or refused in one line.

Every file of the public material goes to the verb that it is for and to those that it is not for,
as people do; the right password is given where there is one.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

from tests.interop.material import Entry, entries, sets
from tests.interop.trying import Installation

pytestmark = pytest.mark.interop

# Key files that are refused, by why.
REFUSED_KEYS = {
    "neither signs nor decrypts": (
        "*/smdh.pem",
        "*/smdsa?.pem",
        "mimekit-smime/dsa/smime.pfx",
    ),
    "no PKCS#12 file": ("*-der.key", "*-priv.der", "rfc4134/*.pri"),
    "holds no private key": (
        "cryptography-pkcs7/pkcs12/*-no-key.p12",
        "cryptography-pkcs7/pkcs12/java-truststore.p12",
        "cryptography-pkcs7/pkcs12/no-cert-n*.p12",
    ),
    "no certificate in the file fits": (
        "*.key",
        "*.priv",
        "*[-_]key.pem",
        "*/key.pem",
        "*/no-cert-key-aes256cbc.p12",
        "*/rsa_sk.pkcs1.pem",
        "*/smimeTKkey.pem",
    ),
    "password": ("rustcrypto-cms/example.pfx",),
}
# Keys that neither sign nor decrypt, by the file that holds them.
USELESS = ("*/smdsa?.pem", "*DSS*", "*/smdh.pem", "*/dh-key.pem")


@pytest.fixture(scope="module", name="place")
def make_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with pytest.MonkeyPatch.context() as patch:
        yield Installation(tmp_path_factory.mktemp("imports"), patch)


def is_one_of(entry: Entry, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(str(entry), pattern) for pattern in patterns)


def why_refused(entry: Entry) -> str:
    return next((why for why, names in REFUSED_KEYS.items() if is_one_of(entry, names)), "")


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("key"))
def test_every_key_file_is_taken_or_refused_for_its_reason(place: Installation, name: str) -> None:
    # C3: PKCS#12 of every age and PEM; expired and self-signed ones too.
    for entry in entries(name, "key"):
        password = str(entry.said.get("password") or "")
        words = ("--password-file", place.file("password", password.encode())) if password else ()
        result = place.run("key", "import", entry.path, *words)
        assert (result.exit_code == 0) is not bool(why_refused(entry)), (entry, result.output)
        assert why_refused(entry) in result.output, (entry, result.output)


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("key"))
def test_every_key_with_its_certificate_is_taken_if_it_is_of_use(
    place: Installation, name: str
) -> None:
    for entry in entries(name, "key"):
        if octets := entry.key:
            result = place.run("key", "import", place.file("key.pem", octets))
            is_useless = is_one_of(entry, USELESS)
            assert (result.exit_code == 0) is not is_useless, (entry, result.output)


@pytest.mark.slow
@pytest.mark.parametrize("name", sets("cert", "certs-only", "crl"))
def test_every_certificate_is_taken_or_refused_in_one_line(place: Installation, name: str) -> None:
    # Every twentieth of the large sets: the rest are like them.
    found = list(entries(name, "cert", "certs-only", "crl"))
    for entry in found[:: 1 + len(found) // 40]:
        partner = place.run("partner", "import", entry.path, "--for", "someone@outside.example")
        anchor = place.run("trust", "add", entry.path)
        key = place.run("key", "import", entry.path)
        assert key.exit_code == 1, entry
        if entry.kind == "crl":
            assert (partner.exit_code, anchor.exit_code) == (1, 1), entry


def test_what_was_taken_can_be_listed_and_checked(place: Installation) -> None:
    for words in (("key", "list"), ("partner", "list"), ("trust", "list"), ("check",), ("status",)):
        json.loads(place.ok(*words, "--json"))
