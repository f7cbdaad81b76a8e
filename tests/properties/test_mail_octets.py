"""Octets in, octets out: what nobody changed comes out as it came in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.authres import remove
from app.mail.canonical import is_crlf, to_crlf
from app.mail.compose import content_fields, other_fields, unwrap
from app.mail.entity import parse_entity, scan
from app.mail.headers import Headers, join, split
from tests.mail.strategies import entities, rubbish

messages = rubbish | st.binary() | entities
names = st.sampled_from(
    ["From", "from", "Subject", "Content-Type", "X-Sealmon-Signature", "Absent"]
)


@settings(deadline=None)
@given(messages)
def test_joining_what_was_split_is_the_message(message: bytes) -> None:
    # T14
    parts = split(message)
    assert join(parts.headers, parts) == message
    assert join(Headers.of(parts.headers.fields), parts) == message
    assert parts.headers.octets + parts.separator + parts.body == message


@settings(deadline=None)
@given(messages, names)
def test_the_quick_search_finds_the_first_field_of_all(message: bytes, name: str) -> None:
    section = split(message).headers.octets
    read = Headers(section)
    assert len(read.fields) >= 0
    assert Headers(section).find(name) == read.find(name)
    assert read.all(name)[:1] == tuple(filter(None, [read.find(name)]))


@settings(deadline=None)
@given(messages)
def test_a_field_on_top_leaves_the_rest_alone(message: bytes) -> None:
    # T14
    parts = split(message)
    longer = join(parts.headers.prepend("Received", b"here"), parts)
    assert split(longer).headers.fields[0].unfolded == b"here"
    if parts.headers.octets[:1] not in {b" ", b"\t"}:
        rest = longer.removeprefix(b"Received: here\r\n")
        assert rest in {message, b"\r\n" + message}
        assert split(longer).headers.fields[1:] == parts.headers.fields


@settings(deadline=None)
@given(messages)
def test_fields_are_dropped_and_kept_whole(message: bytes) -> None:
    headers = split(message).headers
    content, other = content_fields(headers), other_fields(headers)
    assert len(content.octets) + len(other.octets) == len(headers.octets)
    assert sorted([*content.fields, *other.fields]) == sorted(headers.fields)
    assert headers.without("From").find("From") is None


@settings(deadline=None)
@given(messages, messages)
def test_unwrapping_lets_no_inner_field_out(outer: bytes, inner: bytes) -> None:
    # T60
    whole = split(unwrap(split(outer).headers, inner))
    outside = other_fields(split(outer).headers).fields
    known = {field.octets.rstrip() for field in outside} | {b"MIME-Version: 1.0"}
    assert all(field.octets.rstrip() in known for field in other_fields(whole.headers).fields)
    assert whole.body.endswith(parse_entity(inner).body)


@settings(deadline=None)
@given(messages)
def test_reading_raises_nothing(message: bytes) -> None:
    headers = split(message).headers
    assert isinstance(headers.anomalies, tuple)
    assert all(isinstance(field.plain_key, str) for field in headers.fields)
    assert isinstance(headers.text("Subject"), str)
    assert isinstance(scan(message), str)
    assert isinstance(parse_entity(message).anomalies, tuple)
    remove(headers, "mx.example")


@settings(deadline=None)
@given(messages)
def test_parts_lie_inside_of_the_body_and_apart(message: bytes) -> None:
    entity = parse_entity(message)
    at = entity.body_at
    for part in entity.parts():
        assert at <= part.start <= part.body_at <= part.end <= entity.end
        at = part.end


@settings(deadline=None)
@given(messages)
def test_crlf_once_is_crlf_for_good(message: bytes) -> None:
    # T24
    text = to_crlf(message)
    assert is_crlf(text)
    assert to_crlf(text) is text
    assert text.replace(b"\r\n", b"") == message.replace(b"\r", b"").replace(b"\n", b"")
