"""The engine says of every committed message what was written down beside it, for ever."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.mail.headers import split
from tests.houses import House, only
from tests.vectors.cases import BOB, BOBS, HERE, TOPICS, Vector, answer, digest, household, vectors

KEYS = HERE / "keys"
# What may be shown as signed by its From.
BELIEVED = {"valid", "valid-domain"}


@pytest.fixture(scope="module")
def bob(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    owned = [(KEYS / f"{name}.pem").read_bytes() for name in BOBS]
    anchor = (KEYS / "anchor.pem").read_bytes()
    house = household(tmp_path_factory.mktemp("vectors"), owned, anchor)
    yield house
    house.close()


@pytest.mark.parametrize("vector", tuple(vectors()), ids=str)
def test_the_answer_is_the_one_written_down(vector: Vector, bob: House) -> None:
    said = answer(bob, vector.octets, vector.at)
    assert said == {word: vector.expected[word] for word in said}


# JF C1-I3, EFAIL, T38-T74
@pytest.mark.parametrize("vector", tuple(vectors("johnny")), ids=str)
def test_no_forgery_is_written_down_as_believed(vector: Vector) -> None:
    assert vector.expected["signature"] not in BELIEVED
    assert vector.expected["decryption"] != "decrypted"
    assert "[SIGNED]" not in vector.expected["subject"]


# T50, D7: an address that only looks like the one in From is spelled out wherever it is shown.
@pytest.mark.parametrize("vector", tuple(vectors("johnny")), ids=str)
def test_nothing_on_top_of_a_forgery_looks_like_its_author(vector: Vector, bob: House) -> None:
    delivery = only(bob.send(vector.octets, BOB, at=vector.at))
    assert delivery.finding is not None
    headers = split(delivery.octets).headers
    shown = [
        headers.text("Subject"),
        headers.text("X-Sealmon-Signature"),
        headers.text("Authentication-Results"),
    ]
    signer = delivery.finding.signer
    if signer and not signer.isascii():
        assert all(r"\u0430lice" in each.replace(r"\\", "\\") for each in shown)
    for each in shown:
        assert each.isascii()
        assert "?lice" not in each
        assert "<>" not in each


@pytest.mark.parametrize("topic", TOPICS)
def test_every_vector_has_its_answer_and_its_words(topic: str) -> None:
    folder = HERE / topic
    messages = {path.stem for path in folder.glob("*.eml")}
    words = (folder / "README").read_text("utf-8").splitlines()
    named = {line for line in words if line[:2].isdecimal()}
    assert messages == {path.stem for path in folder.glob("*.expect")} == named
    assert messages


def test_every_line_of_a_message_ended_in_crlf_when_it_was_made() -> None:
    """Git, or an editor, that changes line ends breaks signatures; here it is told by name."""
    for vector in vectors("verify", "decrypt", "clients", "layers", "chains"):
        assert vector.octets.count(b"\n") == vector.octets.count(b"\r\n"), vector


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    "vector", [each for each in vectors() if "openssl" in each.expected], ids=str
)
def test_openssl_says_the_same(vector: Vector, tmp_path: Path) -> None:
    how = vector.expected["openssl"]
    (tmp_path / "message").write_bytes(vector.octets)
    words = ["openssl", "cms", "-in", "message"]
    if how in BOBS:
        key = str(KEYS / f"{how}.pem")
        words += ["-decrypt", "-binary", "-recip", key, "-inkey", key]
    else:
        at = str(int(vector.at.timestamp()))
        anchor = str(KEYS / "anchor.pem")
        words += ["-verify", "-CAfile", anchor, "-no-CApath", "-purpose", "any", "-attime", at]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode != 0) == (how == "reject"), done.stderr.decode()
    if how != "reject":
        assert digest(split(done.stdout).body) == vector.expected["content"]
