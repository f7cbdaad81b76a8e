"""Mail that nobody here wrote gives what its source documents, through the command line.

Every message of the public material is tried with the commands that an operator types: ``sealmon
init``, ``domain add``, ``trust add``, ``key import``, ``partner import``, ``try``. Where we mean to
answer otherwise, `deviations` says why.
"""

import json
import resource
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from app import clock
from app.cli.offline import read_message
from app.cli.place import Place
from app.mail.headers import join, split
from app.mta import machine
from app.mta.offline import Question, examine
from tests.interop.deviations import DECRYPTIONS, SIGNATURES
from tests.interop.material import MAIL, OTHER_CMS, TRUSTED, Entry, entries, sets
from tests.interop.trying import READER, Installation

pytestmark = pytest.mark.interop

MESSAGES = (*sorted(MAIL), *sorted(OTHER_CMS), "spoof")
# What opens for nobody here, each with its own word.
UNOPENED = frozenset({"none", "no-key", "failed", "unsupported"})


class Tried:
    """What became of the messages of each set, each set tried once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.patch = pytest.MonkeyPatch()
        self._found: dict[str, dict[str, Any]] = {}

    def place(self, name: str) -> Installation:
        """Return a new installation that knows the anchors and signers of a set."""
        place = Installation(self.folder / name, self.patch)
        anchors = [each.anchor for each in entries(name, *MESSAGES) if each.anchor]
        for anchor in dict.fromkeys(anchors):
            place.run("trust", "add", anchor)
        if name == "lamps-pqc":
            # Its messages name certificates that they do not bring, three of them by one number.
            for entry in entries(name, "cert"):
                place.run("partner", "import", entry.path, "--for", "signer@pqc.example")
        if name == "pkits":
            # What is tested there is above all revocation; soft lets what is unknown pass.
            place.policy("revocation", "hard")
        return place

    def of(self, name: str) -> dict[str, Any]:
        """Return the line of each message of a set."""
        if name not in self._found:
            self._found[name] = self.place(name).try_all(list(entries(name, *MESSAGES)))
        return self._found[name]

    def close(self) -> None:
        """Leave the environment as it was."""
        self.patch.undo()


@pytest.fixture(scope="module", name="tried")
def make_tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    found = Tried(tmp_path_factory.mktemp("material"))
    yield found
    found.close()


def row_of(table: dict[str, tuple[str, str]], entry: Entry) -> str:
    return next((pattern for pattern in table if fnmatch(str(entry), pattern)), "")


SETS = sets(*MESSAGES)


@pytest.mark.parametrize("name", SETS)
def test_every_signature_is_judged_as_its_source_documents(tried: Tried, name: str) -> None:
    wrong = []
    for entry in entries(name, *MESSAGES):
        said = tried.of(name)[str(entry)]
        row = row_of(SIGNATURES, entry)
        wanted = {SIGNATURES[row][0]} if row else entry.documented()
        if said["signature"]["status"] not in wanted:
            wrong.append(f"{entry}: {entry.expected}: {said['signature']}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SETS)
def test_every_ciphertext_opens_as_its_source_documents(tried: Tried, name: str) -> None:
    wrong = []
    for entry in entries(name, *MESSAGES):
        said = tried.of(name)[str(entry)]["decryption"]
        row = row_of(DECRYPTIONS, entry)
        wanted = {DECRYPTIONS[row][0]} if row else UNOPENED
        if entry.expected == "decryptable" and not row:
            wanted = {"decrypted"}
        if said["status"] not in wanted:
            wrong.append(f"{entry}: {entry.expected}: {said}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SETS)
def test_every_message_is_delivered_and_goes_the_whole_way(tried: Tried, name: str) -> None:
    for entry in entries(name, *MESSAGES):
        said = tried.of(name)[str(entry)]
        assert said["reply"].startswith("250 2.0.0 "), entry
        assert said["states"] == ["START", "DECRYPTED", "VERIFIED", "TAGGED"], entry


def test_every_deviation_is_one() -> None:
    found = [entry for name in SETS for entry in entries(name, *MESSAGES, "torture")]
    for pattern, (status, why) in SIGNATURES.items():
        met = [entry for entry in found if row_of(SIGNATURES, entry) == pattern]
        assert met, pattern
        assert all(status not in entry.documented() for entry in met), (pattern, why)
    for pattern in DECRYPTIONS:
        met = [entry for entry in found if row_of(DECRYPTIONS, entry) == pattern]
        assert [entry.expected for entry in met] == ["decryptable"], pattern


def test_rc2_opens_where_the_policy_says_so(tried: Tried) -> None:
    # T99
    (entry,) = (each for each in entries("rfc4134", "enveloped") if "5.2.bin" in str(each))
    place = tried.place("rc2")
    place.policy("legacy_decrypt", "3des+rc2")
    said = place.try_all([entry])[str(entry)]["decryption"]
    assert (said["status"], said["algorithm"]) == ("decrypted", "rc2")


def test_what_is_unknown_passes_softly_and_says_so(tried: Tried) -> None:
    """The shipped policy lets a message pass whose revocation is not known, with the reason."""
    bad = [each for each in entries("pkits", "signed-clear") if each.expected == "invalid"]
    place = tried.place("soft")
    place.ok("trust", "add", bad[0].anchor)
    said = place.try_all(bad)
    passed = {}
    for entry in bad:
        signature = said[str(entry)]["signature"]
        if signature["status"] in TRUSTED:
            passed[str(entry)] = signature
    assert len(passed) == 12
    for name, signature in passed.items():
        assert signature["status"] == "valid-other", name
        assert any("known whether" in each for each in signature["reasons"]), name


def test_three_certificates_of_one_number_are_told_apart(tried: Tried) -> None:
    said = [
        tried.of("lamps-pqc")[str(each)]["signature"]
        for each in entries("lamps-pqc", "signed-opaque")
        if "composite" not in str(each)
    ]
    assert sorted(each["algorithm"] for each in said) == ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"]


@pytest.mark.parametrize("name", sets("torture"))
def test_what_is_no_smime_passes_octet_for_octet(tried: Tried, name: str) -> None:
    # T14, T35, T38: only trace fields on top.
    tried.place(f"passing-{name}")
    place = Place()
    machine.install()
    for entry in entries(name, "torture"):
        octets = read_message(place, str(entry.path))
        words = {"direction": "inbound", "reverse_path": "", "recipient": READER}
        asked = Question(octets=octets, at=clock.now(), **words)
        found = examine(place.store, place.installation, asked)
        said = found.to_json()
        assert said["reply"].startswith("250 "), entry
        if row_of(SIGNATURES, entry):
            assert said["signature"]["status"] == SIGNATURES[row_of(SIGNATURES, entry)][0]
            continue
        assert said["signature"]["status"] in {"none", "partial"}, entry
        assert found.octets.endswith(_kept(octets)), entry
    place.close()


def _kept(octets: bytes) -> bytes:
    """Return a message without its further Subject fields (B9) and a first line that goes on.

    Such a line, which goes on with nothing, would go on with our Received (T62).
    """
    parts = split(octets)
    dropped = [field for field in parts.headers.fields if field.key == "subject"][1:]
    if octets.startswith((b" ", b"\t")) and parts.headers.octets:
        dropped.append(parts.headers.fields[0])
    if not dropped:
        return octets
    # Two of them may be equal; another object is meant.
    return join(parts.headers.drop(lambda field: any(field is each for each in dropped)), parts)


def test_a_hundred_files_are_a_matter_of_seconds(tried: Tried) -> None:
    place = tried.place("hundred")
    files = [entry.path for entry in entries("pkits", "signed-clear")][:50]
    files += [entry.path for entry in entries("torture-enmime", "torture")][:50]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = place.process("try", "inbound", "--to", READER, *files).splitlines()
    assert [json.loads(line)["file"] for line in lines] == list(map(str, files))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Its own time, far more than it takes; busy neighbours do not fail it.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 30


def test_each_command_is_a_process_of_its_own(tried: Tried) -> None:
    """What an operator types, one program after the other, from an empty folder."""
    place = Installation(tried.folder / "processes", tried.patch, ready=False)
    bob = next(each for each in entries("tb-smime", "key") if str(each).endswith("/Bob.p12"))
    mail = next(each for each in entries("tb-smime", "enveloped") if "SHA256.opaque" in str(each))
    assert mail.anchor is not None
    password = place.file("password", str(bob.said["password"]).encode())
    place.process("init")
    place.process("domain", "add", "example.com")
    place.process("trust", "add", mail.anchor)
    place.process("key", "import", bob.path, "--password-file", password)
    said = json.loads(place.process("try", "inbound", mail.path, "--at", "2026-11-01T00:00:00Z"))
    assert (said["signature"]["status"], said["decryption"]["status"]) == ("valid", "decrypted")
    assert said["states"] == ["START", "DECRYPTED", "VERIFIED", "TAGGED"]
