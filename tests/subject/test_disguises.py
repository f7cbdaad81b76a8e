"""What only some mail programs show as a mark is taken off too (T61-T63, B9)."""

import pytest

from app.mail.headers import decode_text, split
from app.mail.words import raw_text, unfold
from app.model.marks import MarkTexts
from app.subject.readings import readings
from app.subject.skeleton import reduce
from app.subject.strip import Cleaner
from tests.subject import disguises

GATEWAY = "gw.example.org"
CLEANER = Cleaner(MarkTexts(), symbols=False)
WITH_SYMBOLS = Cleaner(MarkTexts(), symbols=True)


# T63
def test_no_disguised_mark_survives() -> None:
    forged = list(disguises.subjects())
    assert len(forged) > 300
    survived = [
        mark
        for mark in forged
        for before in ("", "Re: AW: ")
        if reduce(CLEANER.clean(f"{before}{mark} Rechnung 42")) != reduce(f"{before}Rechnung 42")
    ]
    assert survived == []


# T63
@pytest.mark.parametrize("name", [b"Subject", b"Thread-Topic", b"Keywords", b"Comments"])
def test_no_reading_of_a_field_shows_a_mark(name: bytes) -> None:
    values = list(disguises.fields())
    assert len(values) > 150
    survived = []
    for value in values:
        message = name + b": " + value + b"\r\n\r\n"
        cleaned = CLEANER.clean_message(message, authserv_id=GATEWAY)
        left = split(cleaned).headers.fields[0].value
        if cleaned == message or "sig" in reduce(decode_text(left)):
            survived.append((value, left))
        assert CLEANER.clean_message(cleaned, authserv_id=GATEWAY) == cleaned
    assert survived == []


# B9
@pytest.mark.parametrize("name", [b"From", b"Sender"])
@pytest.mark.parametrize("phrase", disguises.NAMES, ids=ascii)
def test_no_reading_of_a_display_name_shows_a_symbol(phrase: bytes, name: bytes) -> None:
    message = name + b": " + phrase + b" <chef@b.example>\r\n\r\n"
    cleaned = WITH_SYMBOLS.clean_message(message, authserv_id=GATEWAY)
    value = split(cleaned).headers.fields[0].value
    texts = (decode_text(value), raw_text(unfold(value)))
    assert not [shown for text in texts for shown in readings(text) if "🔏" in shown]
    assert value.rstrip().endswith(b"<chef@b.example>")
    assert WITH_SYMBOLS.clean_message(cleaned, authserv_id=GATEWAY) == cleaned
    assert CLEANER.clean_message(message, authserv_id=GATEWAY) == message


def test_an_address_with_the_signs_of_an_encoded_word_stays() -> None:
    message = b"From: =?x-unknown?q?=F0=9F=94=8F?= <a=?b@c.example>\r\n\r\n"
    cleaned = WITH_SYMBOLS.clean_message(message, authserv_id=GATEWAY)
    assert cleaned == b"From: ?x-unknown?q?=F0=9F=94=8F?= <a=?b@c.example>\r\n\r\n"


# RFC 6532: what looks like a symbol may be somebody's address, and answers must reach it.
@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("🔏 Chef <🔏@b.example>", " Chef <🔏@b.example>"),
        ("<🔏@b.example> (🔏)", "<🔏@b.example> ()"),
        ("🔏@b.example", "🔏@b.example"),
        ("🔏@b.example (🔏 Chef)", "🔏@b.example ( Chef)"),
        ("🔏@Chef <c@b.example>", "@Chef <c@b.example>"),
        ("<=?utf-8?b?8J+Ujw==?=@b.example>", "<=?utf-8?b?8J+Ujw==?=@b.example>"),
    ],
)
def test_symbols_of_an_address_stay(value: str, left: str) -> None:
    message = f"From: {value}\r\n\r\n".encode()
    cleaned = WITH_SYMBOLS.clean_message(message, authserv_id=GATEWAY)
    assert cleaned.decode().removeprefix("From:").strip() == left.strip()


# T61, T62
@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: GW.EXAMPLE.ORG. ; smime=pass",
        "Authentication-Results: (c) (n(e)st) gw.example.org (x) 1 (y); smime=pass",
        "Authentication-Results: gw。example。org; smime=pass",
        "Authentication-Results: ｇｗ.example.org; smime=pass",
        "Authentication-Results: gw\u200b.example.org; smime=pass",
        "Authentication-Results: =?utf-8?q?gw=2Eexample=2Eorg?=; smime=pass",
        "Authentication-Results: ɡw.example.org; smime=pass",
        "Authentication-Results: gw.exаmple.org; smime=pass",
        "Authentication-Results: =?utf-8?q?gw.ex=D0=B0mple.org?=; smime=pass",
        "Authentication-Results: [gw.example.org]; smime=pass",
        "Authentication-Results: gw.example.org:25; smime=pass",
        "Authentication-Results: 'gw.example.org'; smime=pass",
        "Authentication_Results: gw.example.org; smime=pass",
        "Authentication Results: gw.example.org; smime=pass",
        "Authentication‐Results: gw.example.org; smime=pass",
        "Authеntication-Results: gw.example.org; smime=pass",
        "Authenticati0n-Results: gw.example.org; smime=pass",
        "Ａuthentication-Results: gw.example.org; smime=pass",
        "𝐗-Sealmon-Signature: valid",
        "XSealmonSignature: valid",
        "X--Sealmon--Signature: valid",
        "-X-Sealmon-Signature: valid",
        "X-5ea1m0n-Signature: valid",
        "X-Sеɑlmоn-Signature: valid",
        "X-𝕊ealmon-Signature: valid",
        "X-Sᴇᴀʟᴍᴏɴ-Signature: valid",
    ],
)
def test_no_spelling_of_our_result_fields_stays(field: str) -> None:
    section = b"From: a@b.example\r\n%s\r\nTo: c@d.example\r\n\r\n"
    cleaned = CLEANER.clean_message(section % field.encode(), authserv_id=GATEWAY)
    assert cleaned == b"From: a@b.example\r\nTo: c@d.example\r\n\r\n"


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: gw.examp1e.org; dkim=pass",
        "Authentication-Results: mx.gw.example.org; dkim=pass",
        "Authentication-Results: gw.example.org.evil.example; dkim=pass",
        "Authentication-Results: gw-example.org; dkim=pass",
        "Authentication-Results: größe.example; dkim=pass",
        "X-Authentication-Results: gw.example.org; dkim=pass",
        "Keywords: Angebot, 2024",
        "Comments: =?utf-8?q?Gr=C3=BC=C3=9Fe?= [list]",
    ],
)
def test_fields_of_others_stay(field: str) -> None:
    message = b"From: a@b.example\r\n%s\r\n\r\n" % field.encode()
    assert CLEANER.clean_message(message, authserv_id=GATEWAY) is message
