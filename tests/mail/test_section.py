"""Header sections: however they are cut, every question has the same answer."""

import pytest

from app.mail.fields import fields_of
from app.mail.headers import read_headers
from app.mail.section import Section

SECTIONS = {
    "clean": b"From: a@b.c\r\nTo: b@c.d\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n",
    "a field twice": b"Received: one\r\nContent-Type: a/b\r\nreceived: two\r\nRECEIVED: three\r\n",
    "nothing": b"",
    "raw UTF-8": "Subject: Käse\r\nCöntent-Type: a/b\r\n".encode(),
    "a bare LF": b"From: a@b.c\nContent-Type: a/b\r\n",
    "a bare CR": b"From: a@b.c\rContent-Type: a/b\r\nTo: b\r\n",
    "a line that is no field": b"From: a@b.c\r\nwhat\r\nContent-Type : a/b\r\n",
    "a continuation of nothing": b" Content-Type: a/b\r\nFrom: a@b.c\r\n",
    "a control character": b"From: a\x01@b.c\r\nContent-Id: 1\r\n",
    "a fold of white space": b"From: a@b.c\r\n \r\nContent-Id: 1\r\n",
    "not ended": b"From: a@b.c\r\nContent-Id: 1",
    "names that look alike": b"Content_Type: a\r\nC@ontent-Type: b\r\nCONTENT-TYPE: c\r\n",
}


@pytest.mark.parametrize("octets", SECTIONS.values(), ids=SECTIONS)
def test_answers_are_those_of_the_fields_one_by_one(octets: bytes) -> None:
    fields = fields_of(octets)
    names = {field.name for field in fields} | {"From", "content-type", "Received", "None"}
    for name in filter(str.isascii, names):
        section = Section(octets)
        alike = tuple(field for field in fields if field.key == name.lower())
        assert section.find(name) == (alike[0] if alike else None)
        assert section.find(name) == (alike[0] if alike else None)
        assert section.all(name) == alike
    assert Section(octets).fields == fields
    inside, outside = Section(octets).divided
    assert inside.fields == tuple(field for field in fields if field.is_content)
    assert outside.fields == tuple(field for field in fields if not field.is_content)
    assert inside.octets == b"".join(field.octets for field in inside.fields)
    assert (inside.anomalies, outside.anomalies) == (
        Section(inside.octets).anomalies,
        Section(outside.octets).anomalies,
    )


def test_a_part_of_a_section_may_be_divided_again() -> None:
    octets = SECTIONS["clean"]
    inside, outside = read_headers(octets).divided
    assert outside.divided[1] is outside
    assert inside.divided[0].octets == inside.octets
    assert read_headers(octets) is read_headers(bytes(bytearray(octets)))
