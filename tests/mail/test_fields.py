"""Header fields as they stand, and what is odd about them."""

import pytest

from app.mail.fields import Field, field_of, fields_of
from app.mail.headers import Headers, split

# T38: what two readers could take differently, and what it is called.
ANOMALIES = {
    "bare CR": b"Subject: a\rX-Evil: b\r\n",
    "bare LF": b"Subject: a\nX-Evil: b\r\n",
    "NUL": b"Subject: a\0b\r\n",
    "control character": b"Subject: a\x1bb\r\n",
    "fold of white space only": b"Subject: a\r\n \t \r\n b\r\n",
    "8-bit octets that are not UTF-8": b"Subject: \xe4\r\n",
    "mbox line": b"From alice@x.example Mon Jan  1 00:00:00 2024\r\nSubject: a\r\n",
    "white space before the colon": b"From : a@x.example\r\n",
    "line that is no field": b"Subject: a\r\nhello\r\nTo: b@x.example\r\n",
    "several from fields": b"From: a@x.example\r\nFROM: b@x.example\r\n",
    "several sender fields": b"Sender: a@x.example\r\nSender: a@x.example\r\n",
    "several content-type fields": b"Content-Type: text/plain\r\nContent-type: text/html\r\n",
    "several mime-version fields": b"MIME-Version: 1.0\r\nMIME-Version: 1.0\r\n",
    "several content-transfer-encoding fields": b"Content-Transfer-Encoding: 7bit\r\n" * 2,
    "several content-disposition fields": b"Content-Disposition: inline\r\n" * 2,
}


@pytest.mark.parametrize(("name", "section"), ANOMALIES.items(), ids=ANOMALIES)
def test_each_anomaly_is_told(name: str, section: bytes) -> None:
    # T38
    assert Headers(section).anomalies == (name,)


@pytest.mark.parametrize(
    "section",
    [
        b"",
        b"From: a@x.example\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n",
        b"Received: by x;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\nReceived: by y\r\n",
        b"Subject:\r\n  folded at once\r\nX-Empty:\r\n",
        b"Subject: twice\r\nSubject: is cleaned elsewhere\r\n",
        b"X-!#$%&'*+-.^_`{|}~: every character of a name\r\n",
        b"Content-Type: text/plain;\r\n\tcharset=utf-8\r\n",
    ],
)
def test_a_clean_section_has_no_anomaly(section: bytes) -> None:
    assert Headers(section).anomalies == ()


@pytest.mark.parametrize(
    ("section", "anomaly"),
    [
        (b" leading: fold\r\nTo: a@x.example\r\n", "line that is no field"),
        (b">From a@x.example Mon\r\n", "mbox line"),
        (b"From\r\n : a@x.example\r\n", "white space before the colon"),
        (b"\xef\xbb\xbfFrom: a@x.example\r\n", "line that is no field"),
        (b"Subj\xc3\xa9ct: a\r\n", "line that is no field"),
        (b": no name\r\n", "line that is no field"),
        (b"Subject: a\x7f\r\n", "control character"),
        (b"Subject: a\r\n ", "fold of white space only"),
    ],
)
def test_variants_of_an_anomaly_are_told_too(section: bytes, anomaly: str) -> None:
    # T38
    assert anomaly in Headers(section).anomalies


@pytest.mark.parametrize(
    ("octets", "name", "unfolded"),
    [
        (b"Subject: a\r\n", "Subject", b"a"),
        (b"SUBJECT:a\r\n b\r\n", "SUBJECT", b"a b"),
        (b"Subject \t: a\r\n", "Subject", b"a"),
        (b"Subject\r\n : a\r\n", "Subject", b"a"),
        (b"Subject:\r\n", "Subject", b""),
        (b"no field\r\n", "", b""),
        (b"two words: x\r\n", "two words", b"x"),
    ],
)
def test_a_field_has_name_and_value(octets: bytes, name: str, unfolded: bytes) -> None:
    field = field_of(octets)
    assert field == Field(name, octets)
    assert field.key == name.lower()
    assert field.unfolded == unfolded


def test_a_field_begins_after_every_kind_of_line_end() -> None:
    # T61: hidden from one reader, seen by another
    section = b"A: 1\nX-Sealmon-Signature: valid\rX-Sealmon-Trace: 1\r\nB: 2\r\n c\n d\r\n"
    assert [field.name for field in fields_of(section)] == [
        "A",
        "X-Sealmon-Signature",
        "X-Sealmon-Trace",
        "B",
    ]
    assert b"".join(field.octets for field in fields_of(section)) == section


# T61: fifty ways to write a name that a careless reader takes for ours.
SPELLINGS = [
    template.format(name)
    for name in (
        "X-Sealmon-Signature",
        "x-sealmon-signature",
        "X-SEALMON-SIGNATURE",
        "x-SeAlMoN-signature",
    )
    for template in (
        "{}:",
        "{} :",
        "{}\t:",
        "{}\r\n :",
        "{}\r\n\t:",
        "{} \r\n  :",
        "{}:\r\n",
        "{}: \t",
    )
] + [
    "X\u2010Sealmon\u2010Signature:",
    "X\u2011Sealmon-Signature:",
    "X\u2013Sealmon-Signature:",
    "Ｘ－Ｓｅａｌｍｏｎ－Ｓｉｇｎａｔｕｒｅ:",
    "X-ſealmon-ſignature:",
    "X-Seal\u200bmon-Signature:",
    "X-Seal\u00admon-Signature:",
    "X-Sealmon-Signature\u00a0:",
    "X-Seal mon-Signature:",
    "X-Seal\x00mon-Signature:",
    "X-Sealmon-\u2060Signature:",
    "\ufeffX-Sealmon-Signature:",
    " X-Sealmon-Signature:",
    "𝐗-𝐒𝐞𝐚𝐥𝐦𝐨𝐧-𝐒𝐢𝐠𝐧𝐚𝐭𝐮𝐫𝐞:",
    "X-Sealmon\r\n -Signature:",
    "X.-Sealmon-Signature:",
    "X-Sealmon_-Signature:",
    "(x)-sealmon-signature:",
    "X-Sealmon-Signature\x0b:",
    "\u200b" * 200 + "X-Sealmon-Signature:",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_name_of_ours_is_seen(spelling: str) -> None:
    # T61
    section = spelling.encode() + b" valid\r\nTo: b@x.example\r\n"
    kept = Headers(section).drop(lambda field: field.plain_key.startswith("x-sealmon-"))
    assert kept.octets == b"To: b@x.example\r\n"


def test_fifty_spellings_are_tried() -> None:
    assert len(set(SPELLINGS)) >= 50


def test_names_that_only_resemble_ours_stay() -> None:
    section = b"X-Sealed: 1\r\nX-Sealmonger-Sale: 2\r\nSealmon: 3\r\n"
    headers = split(section + b"\r\n").headers
    assert headers.drop(lambda field: field.plain_key.startswith("x-sealmon-")) is headers
