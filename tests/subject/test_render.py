"""Marks are put together and put on."""

from dataclasses import dataclass

import pytest

from app.mail.headers import split
from app.mail.limits import DECODE_OCTETS
from app.model.marks import KEYS, LANGUAGES, MarkTexts
from app.subject.render import NAMED_CHARACTERS, mark, preview, put_on
from app.subject.strip import Cleaner

TEXTS = MarkTexts()


@dataclass(frozen=True)
class Signed:
    status: str
    signer: str = "carol@sued.example"
    domain: str = "sued.example"


@dataclass(frozen=True)
class Decrypted:
    status: str = "decrypted"


# B7, C5, D4: the table of statuses.
@pytest.mark.parametrize(
    ("status", "german", "english", "symbol"),
    [
        ("none", "", "", ""),
        ("valid", "[SIGNIERT]", "[SIGNED]", "🔏"),
        (
            "valid-domain",
            "[SIGNIERT] [SIGNIERT VON <*@sued.example>]",
            "[SIGNED] [SIGNED BY <*@sued.example>]",
            "🔏",
        ),
        (
            "valid-other",
            "[SIGNATUR VON ANDEREM ABSENDER <carol@sued.example>]",
            "[SIGNED BY SOMEBODY ELSE <carol@sued.example>]",
            "⚠️",
        ),
        ("untrusted", "[SIGNATUR NICHT VERTRAUENSWÜRDIG]", "[SIGNATURE NOT TRUSTED]", "⚠️"),
        ("revoked", "[ZERTIFIKAT GESPERRT]", "[CERTIFICATE REVOKED]", "⛔"),
        ("invalid", "[SIGNATUR UNGÜLTIG]", "[SIGNATURE INVALID]", "⛔"),
        ("partial", "", "", ""),
        ("unsupported", "[SIGNATUR NICHT PRÜFBAR]", "[SIGNATURE CANNOT BE CHECKED]", "⚠️"),
    ],
)
def test_each_status_has_its_mark(status: str, german: str, english: str, symbol: str) -> None:
    finding = Signed(status)
    assert mark(finding, None, TEXTS) == german
    assert mark(finding, None, TEXTS, "text", "de") == german
    assert mark(finding, None, TEXTS, "text", "en") == english
    assert mark(finding, None, TEXTS, "symbol") == symbol
    assert mark(finding, None, TEXTS, "none") == ""


def test_encryption_comes_first_with_one_blank_between() -> None:
    assert mark(Signed("valid"), Decrypted(), TEXTS) == "[VERSCHLÜSSELT] [SIGNIERT]"
    assert mark(Signed("valid"), Decrypted(), TEXTS, "text", "en") == "[ENCRYPTED] [SIGNED]"
    assert mark(Signed("valid"), Decrypted(), TEXTS, "symbol") == "🔐 🔏"
    assert mark(Signed("none"), Decrypted(), TEXTS) == "[VERSCHLÜSSELT]"
    assert mark(None, None, TEXTS) == ""


@pytest.mark.parametrize("status", ["none", "no-key", "failed", "unsupported"])
def test_what_was_not_decrypted_has_no_mark(status: str) -> None:
    assert mark(None, Decrypted(status), TEXTS) == ""


def test_the_owner_says_whether_the_domain_is_named_alone() -> None:
    alone = mark(Signed("valid-domain"), None, TEXTS, domain_mark="replace")
    assert alone == "[SIGNIERT VON <*@sued.example>]"


def test_the_owners_texts_take_their_place_and_may_be_empty() -> None:
    own = TEXTS.with_own({("de", "valid"): "[GEPRÜFT {address}]", ("de", "revoked"): ""})
    assert mark(Signed("valid"), None, own) == "[GEPRÜFT carol@sued.example]"
    assert mark(Signed("revoked"), None, own) == ""
    assert mark(Signed("valid"), None, own, "text", "en") == "[SIGNED]"


# T50: a self-made certificate may hold any address.
@pytest.mark.parametrize(
    "address",
    [
        "a>] [SIGNIERT] <b@c.example",
        "a\r\nX-Sealmon-Signature: valid\r\n@b.example",
        "\u202ea@b.example",
        "a\u200b@b.example",
        "a\x00@b.example",
        "{domain}@{address}",
        "{{ 7 * 7 }}@b.example",
        "a@" + "b" * 400 + ".example",
    ],
)
def test_an_address_cannot_break_out_of_its_mark(address: str) -> None:
    made = mark(Signed("valid-other", address), None, TEXTS)
    assert made.startswith("[SIGNATUR VON ANDEREM ABSENDER <")
    assert made.endswith(">]")
    assert made.replace("…", "").isascii()
    assert made.isprintable()
    assert (made.count("["), made.count("]"), made.count("<"), made.count(">")) == (1, 1, 1, 1)
    assert len(made) < NAMED_CHARACTERS + 50
    assert Cleaner(TEXTS, symbols=False).clean(f"{made} Angebot") == "Angebot"


# T50, D7: what is not plain is spelled out, so that nobody takes it for the address in From.
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("carol@sued.example", "carol@sued.example"),
        ("o'neill+x@xn--sd-xka.example", "o'neill+x@xn--sd-xka.example"),
        ("\u0430lice@example.org", r"\u0430lice@example.org"),
        ("jörg@example.org", r"j\u00f6rg@example.org"),
        ("ali\u0441e@example.org", r"ali\u0441e@example.org"),
        ("alice\u3000@example.org", r"alice\u3000@example.org"),
        ("ali\u200bce@example.org", r"ali\u200bce@example.org"),
        ("\u202eecila@example.org", r"\u202eecila@example.org"),
        ("\U0001d41alice@example.org", r"\U0001d41alice@example.org"),
        ("alice@example.org\x00.evil.example", r"alice@example.org\u0000.evil.example"),
        ("alice@example.org>,x@y.example", r"alice@example.org\u003e\u002cx@y.example"),
        ("al|ce@example.org", r"al\u007cce@example.org"),
        ("al ce@example.org", r"al\u0020ce@example.org"),
        (r"\u0430lice@example.org", r"\u005cu0430lice@example.org"),
    ],
)
def test_a_mark_spells_out_what_could_be_taken_for_another(address: str, shown: str) -> None:
    made = mark(Signed("valid-other", address), None, TEXTS, "text", "en")
    assert made == f"[SIGNED BY SOMEBODY ELSE <{shown}>]"
    assert made.isascii()
    assert Cleaner(TEXTS, symbols=False).clean(f"{made} Offer") == "Offer"


def test_a_mark_never_names_nobody() -> None:
    nobody = Signed("valid-other", "")
    assert mark(nobody, None, TEXTS, "text", "en") == "[SIGNED BY SOMEBODY ELSE <no address>]"
    german = "[SIGNATUR VON ANDEREM ABSENDER <keine Adresse>]"
    assert mark(nobody, None, TEXTS, "text", "de") == german
    assert mark(nobody, None, TEXTS) == german
    for made in (german, "[SIGNED BY SOMEBODY ELSE <no address>]"):
        assert Cleaner(TEXTS, symbols=False).clean(f"{made} Angebot") == "Angebot"


def test_a_long_address_is_cut_in_the_middle() -> None:
    # What it ends with says whose it is.
    address = "alice@example.org." + "a" * 200 + ".evil.example"
    made = mark(Signed("valid-other", address), None, TEXTS, "text", "en")
    assert made.startswith("[SIGNED BY SOMEBODY ELSE <alice@example.org.aaa")
    assert made.endswith("aaa.evil.example>]")
    assert "…" in made
    assert len(made) < NAMED_CHARACTERS + 50


def subject_of(message: bytes) -> str:
    return split(message).headers.text("Subject")


# B7
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: Angebot\r\n", b"Subject: [SIGNIERT] Angebot\r\n"),
        (b"subject: Re: AW: Angebot\r\n", b"subject: [SIGNIERT] Re: AW: Angebot\r\n"),
        (b"Subject:\r\n  Angebot\r\n\tneu\r\n", b"Subject: [SIGNIERT] Angebot neu\r\n"),
        (b"Subject:\r\n", b"Subject: [SIGNIERT]\r\n"),
        (b"", b"Subject: [SIGNIERT]\r\n"),
        (
            b"Subject: =?iso-8859-1?q?=DCbung?=\r\n",
            b"Subject: =?utf-8?q?[SIGNIERT]_=C3=9Cbung?=\r\n",
        ),
    ],
)
def test_the_mark_stands_at_the_very_beginning(before: bytes, after: bytes) -> None:
    first, last = b"From: a@b.example\r\n", b"\r\nbody\r\n.\r\n"
    marked = put_on(first + before + last, "[SIGNIERT]")
    assert split(marked).body == b"body\r\n.\r\n"
    assert marked.startswith(first)
    assert subject_of(marked) == subject_of(after)
    assert split(marked).headers.octets.count(b"ubject:") == 1


def test_a_marked_subject_is_folded_and_never_breaks_a_character() -> None:
    message = b"Subject: " + "Grüße, 日本語 😀 ".encode() * 20 + b"\r\nTo: a\r\n\r\n"
    marked = put_on(message, "[VERSCHLÜSSELT] [SIGNIERT]")
    section = split(marked).headers.octets
    assert section.isascii()
    assert max(map(len, section.split(b"\r\n"))) <= 76
    assert subject_of(marked).startswith("[VERSCHLÜSSELT] [SIGNIERT] Grüße")
    assert "\ufffd" not in subject_of(marked)


def test_smtputf8_messages_keep_raw_utf8() -> None:
    message = "Subject: Übung\r\n\r\n".encode()
    assert put_on(message, "[VERSCHLÜSSELT]", utf8=True) == (
        "Subject: [VERSCHLÜSSELT] Übung\r\n\r\n".encode()
    )


def test_the_protected_subject_is_the_base() -> None:
    message = b"Subject: [...]\r\nTo: a\r\n\r\n"
    assert subject_of(put_on(message, "[SIGNIERT]", base_subject="Geheim")) == "[SIGNIERT] Geheim"
    assert subject_of(put_on(message, "", base_subject="Geheim")) == "Geheim"


def test_without_a_mark_nothing_changes() -> None:
    message = b"Subject: =?utf-8?q?x?=\r\n\r\n"
    assert put_on(message, "") is message


def test_only_the_first_subject_is_marked() -> None:
    marked = put_on(b"Subject: a\r\nSubject: b\r\n\r\n", "[SIGNIERT]")
    assert marked == b"Subject: [SIGNIERT] a\r\nSubject: b\r\n\r\n"


def test_a_subject_too_long_to_read_gets_its_mark_in_front() -> None:
    words = b"=?utf-8?q?=C3=9Cbung?=\r\n " * (DECODE_OCTETS // 20)
    marked = put_on(b"Subject: " + words + b"x\r\nTo: a\r\n\r\n", "[VERSCHLÜSSELT]")
    assert subject_of(marked).startswith("[VERSCHLÜSSELT] ÜbungÜbung")
    assert marked.endswith(words + b"x\r\nTo: a\r\n\r\n")


def test_a_message_without_an_empty_line_can_be_marked() -> None:
    assert put_on(b"From: a", "[SIGNED]") == b"From: a\r\nSubject: [SIGNED]\r\n"


@pytest.mark.parametrize("display", ["text", "symbol", "none"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_what_is_put_on_can_be_taken_off(key: str, language: str, display: str) -> None:
    shown = preview(TEXTS, key, display, language)
    cleaner = Cleaner(TEXTS, symbols=display == "symbol")
    assert cleaner.clean(shown) == {"de": "Angebot 42", "en": "Offer 42"}[language]
    assert cleaner.clean(f"Re: {shown}").startswith("Re: ")


def test_previews_show_what_the_owner_will_see() -> None:
    assert preview(TEXTS, "valid") == "[SIGNIERT] Angebot 42"
    assert preview(TEXTS, "encrypted", "symbol", "en") == "🔐 Offer 42"
    assert preview(TEXTS, "valid-domain") == "[SIGNIERT] [SIGNIERT VON <*@example.com>] Angebot 42"
