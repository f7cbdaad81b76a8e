import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import INTEGER_BITS


@given(st.integers(0, 70_000))
def test_what_is_written_is_read(size: int) -> None:
    element = der.read_one(der.tlv(der.OCTET_STRING, b"x" * size), der.OCTET_STRING)
    assert element.end - element.start == size


@given(st.integers(-(2**200), 2**200))
def test_an_integer_comes_back(number: int) -> None:
    assert der.read(der.integer(number)).integer() == number


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "2.999.1"])
def test_an_identifier_comes_back(dotted: str) -> None:
    assert der.dotted_identifier(der.encode_identifier(dotted)) == dotted


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("30", "no length"),
        ("3001", "no content"),
        ("3080", "an indefinite length"),
        ("300500", "a length beyond the end"),
        ("3081020500", "a length that fits in one octet"),
        ("308200020500", "a length with a zero in front"),
        ("308500000000020500", "a length of five octets"),
        ("1f810000", "a tag above 30"),
        ("0400", "another tag"),
        ("30000000", "something behind it"),
    ],
)
def test_what_is_no_der_is_malformed(octets: str, why: str) -> None:
    with pytest.raises(MalformedCms):
        der.read_one(bytes.fromhex(octets), der.SEQUENCE)


@pytest.mark.parametrize("octets", ["0200", "02020001", "0202ff80", "0202007f"])
def test_an_integer_has_its_shortest_form(octets: str) -> None:
    with pytest.raises(MalformedCms):
        der.read(bytes.fromhex(octets)).integer()


@pytest.mark.parametrize("octets", ["0600", "06028080", "0641" + "81" * 65])
def test_an_identifier_is_complete_and_short(octets: str) -> None:
    with pytest.raises(MalformedCms):
        der.read(bytes.fromhex(octets)).identifier()


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_an_integer_is_bounded(excess: int) -> None:  # T106
    octets = der.tlv(der.INTEGER, b"\x00" + b"\xff" * (INTEGER_BITS // 8 + excess))
    if excess <= 0:
        assert der.read(octets).integer() > 0
    else:
        with pytest.raises(TooLarge):
            der.read(octets).integer()


def test_a_set_of_is_sorted() -> None:
    assert der.set_of(der.SET, b"\x05\x00", b"\x02\x01\x01") == b"\x31\x05\x02\x01\x01\x05\x00"


def test_nothing_is_left_over() -> None:
    reader = der.read(b"\x05\x00\x05\x00")
    reader.take(der.NULL)
    with pytest.raises(MalformedCms):
        reader.finish()


def test_elements_are_taken_all_together_as_one_by_one() -> None:
    sizes = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000)
    elements = [der.tlv(der.SEQUENCE, bytes(size)) for size in sizes]
    octets = der.tlv(der.SET, *elements)
    body = der.read(octets)
    body.enter(der.SET)
    assert body.take_all(der.SEQUENCE) == elements
    body.finish()
    again = der.read_one(octets, der.SET)
    again.skip(der.SEQUENCE)
    assert [again.take_whole(der.SEQUENCE) for _ in elements[1:]] == elements[1:]


@pytest.mark.parametrize("octets", ["30", "3001", "300004", "0400", "30800000", "308100"])
def test_what_is_no_run_of_elements_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedCms):
        der.read(bytes.fromhex(octets)).take_all(der.SEQUENCE)


def test_an_element_that_is_not_the_last_is_not_entered() -> None:
    with pytest.raises(MalformedCms, match="beyond the structure"):
        der.read(bytes.fromhex("30000500")).enter(der.SEQUENCE)
