"""Addresses keep their form, and no text makes the parser stumble."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.address import (
    MalformedAddress,
    domain_of,
    normalise,
    normalise_domain,
    originator,
    parse_mailboxes,
    registrable_problem,
    same_mailbox,
    strict_addr_spec,
)
from app.mail.headers import Headers
from tests.mail.strategies import rubbish

_MARKS = ".@\"'\\()<>,;:[]-_ \t\0"
_LETTERS = ("a", "A", "ß", "ſ", "İ", "é", "e\u0301", "\u200b", "＠", "ａ", "日本", "+tag", "\r\n")
_DOMAINS = ("x.example", "EXAMPLE", "xn--bcher-kva", "büchér。example")
_pieces = st.sampled_from([*_MARKS, *_LETTERS, *_DOMAINS])
texts = st.text() | st.lists(_pieces, max_size=12).map("".join)
addresses = st.builds("{}@{}".format, texts, texts | st.just("x.example")) | texts


@settings(deadline=None)
@given(addresses)
def test_the_normal_form_is_its_own(address: str) -> None:
    # T104
    with contextlib.suppress(MalformedAddress):
        form = normalise(address)
        assert normalise(form) == form
        assert domain_of(address) == form.rpartition("@")[2] == normalise_domain(domain_of(address))


@settings(deadline=None)
@given(addresses)
def test_a_strict_address_is_plain_and_its_own(address: str) -> None:
    # T50
    strict = strict_addr_spec(address)
    if strict is None:
        return
    assert strict_addr_spec(strict) == strict
    assert strict.lower() == address.lower()
    assert not set(strict) & set(' \t\r\n\0"()<>,;:\\')
    assert same_mailbox(strict, address)
    assert normalise(strict) == normalise(address)


@settings(deadline=None)
@given(addresses, addresses)
def test_the_same_mailbox_is_the_same_both_ways(first: str, second: str) -> None:
    assert same_mailbox(first, second) == same_mailbox(second, first)
    if same_mailbox(first, second):
        assert normalise(first) == normalise(second)


@settings(deadline=None)
@given(texts)
def test_a_domain_is_taken_or_refused_with_a_reason(text: str) -> None:
    reason = registrable_problem(text)
    assert isinstance(reason, str)
    if not reason:
        assert "." in normalise_domain(text)


@settings(deadline=None)
@given(texts.map(lambda text: text.encode("utf-8", "replace")) | rubbish)
def test_any_list_is_read_or_malformed(value: bytes) -> None:
    with contextlib.suppress(MalformedAddress):
        for mailbox in parse_mailboxes(value):
            assert "@" in mailbox.address
            assert not set(mailbox.address) & set("\r\n\0<>")


@settings(deadline=None)
@given(rubbish | st.binary())
def test_a_message_has_one_originator_or_a_problem(value: bytes) -> None:
    found = originator(Headers(b"From: " + value + b"\r\n"))
    assert bool(found.address) or bool(found.problem)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a@x.example", b'"A, B" <a@x.example>', b"A (n(e)st) <a@x.example>"]),
        max_size=9,
    )
)
def test_lists_are_read_whole(items: list[bytes]) -> None:
    found = parse_mailboxes(b", \r\n\t".join(items))
    assert [mailbox.address for mailbox in found] == ["a@x.example"] * len(items)
