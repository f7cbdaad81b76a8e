"""What transport did to a signature, said with proof."""

import itertools

import pytest

from app import clock
from app.mail.canonical import make_signable
from app.smime.diagnose import diagnose
from app.smime.finding import Status
from app.smime.kinds import recognise
from app.smime.sign import sign
from tests.forgery.makers import Workshop, clear, head
from tests.forgery.shapes import BODIES
from tests.smime.house import AT, TOKEN, find, letter, person, signer_of
from tests.timing import own_time

ALICE = signer_of(person("alice@example.org"))
SHOP = Workshop("p256", "", "clear")
TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "


def damaged(before: bytes, after: bytes) -> list[str]:
    """Return the reasons for a message that was signed as one entity and came as another."""
    octets = clear(head(), after, SHOP.cms(before, person("alice@example.org")))
    finding = find(octets)
    assert finding.status is Status.INVALID
    return [reason.code for reason in finding.reasons]


FOOTER = b"\r\n_______________________________________________\r\nList mailing list\r\n"


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("damage-line-ends", TEXT + b"7bit\r\n\r\nHi\r\n\r\n", TEXT + b"7bit\r\n\r\nHi\r\n"),
        ("damage-line-ends", TEXT + b"7bit\r\n\r\nHi", TEXT + b"7bit\r\n\r\nHi\r\n\r\n"),
        (
            "damage-from-line",
            TEXT + b"7bit\r\n\r\nFrom here\r\n",
            TEXT + b"7bit\r\n\r\n>From here\r\n",
        ),
        (
            "damage-trailing-space",
            TEXT + b"7bit\r\n\r\nHi\r\n-- \r\nAlice\r\n",
            TEXT + b"7bit\r\n\r\nHi\r\n--\r\nAlice\r\n",
        ),
        (
            "damage-trailing-space",
            TEXT + b"7bit\r\n\r\nHi\r\n\r\nAlice\r\n",
            TEXT + b"7bit\r\n\r\nHi  \r\n \r\nAlice\r\n",
        ),
        (
            "damage-base64",
            TEXT + b"base64\r\n\r\n" + b"QUFB" * 19 + b"\r\n" + b"QUFB" * 5 + b"\r\n",
            TEXT + b"base64\r\n\r\n" + b"QUFB" * 16 + b"\r\n" + b"QUFB" * 8 + b"\r\n",
        ),
        (
            "damage-soft-break",
            TEXT + b"quoted-printable\r\n\r\nGr=C3=BC=\r\n",
            TEXT + b"quoted-printable\r\n\r\nGr=C3=BC\r\n",
        ),
        (
            "damage-seven-bit",
            TEXT + b"8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n",
            TEXT + b"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n",
        ),
        (
            "damage-seven-bit",
            TEXT + b"8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n",
            TEXT + b"base64\r\n\r\nR3LDvMOfZQ0K\r\n",
        ),
        (
            "damage-footer",
            TEXT + b"7bit\r\n\r\nHi\r\n",
            TEXT + b"7bit\r\n\r\nHi\r\n" + FOOTER,
        ),
        (
            "damage-footer",
            make_signable(BODIES["alternative"]),
            make_signable(BODIES["alternative"]).replace(
                b"\r\n--=_inner--", b"\r\n--=_inner\r\n\r\nfooter\r\n--=_inner--"
            ),
        ),
    ],
)
def test_damage_is_named(code: str, before: bytes, after: bytes) -> None:
    assert damaged(before, after) == ["digest-differs", code]


def test_forgery_gets_no_excuse() -> None:
    assert damaged(TEXT + b"7bit\r\n\r\nHi\r\n", TEXT + b"7bit\r\n\r\nHo\r\n") == ["digest-differs"]


def test_pause_of_the_interpreter_hides_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = itertools.count(1000.0, 10.0)
    monkeypatch.setattr(clock, "monotonic", lambda: next(passes))
    before = TEXT + b"7bit\r\n\r\nHi\r\n"
    assert damaged(before, before + FOOTER) == ["digest-differs", "damage-footer"]


def test_many_leaves_are_not_all_tried() -> None:  # T110
    leaf = b"--b\r\n" + TEXT + b"7bit\r\n\r\n" + b"x\r\n" * 45
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + leaf * 900 + b"--b--\r\n"
    with own_time() as own:
        assert diagnose(content, "sha256", bytes(32)) is None
    # Some 50 ms; all 31,000 that a footer may have made of it take four seconds.
    assert own.seconds < 1


def test_diagnosis_is_bounded_in_time() -> None:
    octets = sign(letter(b"a line\r\n" * 100_000), ALICE, form="clear", at=AT, token=TOKEN)
    layer = recognise(octets)
    broken = octets[: layer.signed_to - 4] + b"!!" + octets[layer.signed_to - 2 :]
    with own_time() as own:
        assert find(broken).status is Status.INVALID
    assert own.seconds < 1


def test_a_long_run_of_spaces_is_read_once() -> None:  # T110
    content = b"Content-Type: text/plain\r\n\r\n" + b" \t" * 500_000 + b"x\r\n"
    with own_time() as own:
        assert diagnose(content, "sha256", bytes(32)) is None
    assert own.seconds < 2
