"""What is signed is what was written, in a form that no relay rewrites."""

import re

from hypothesis import given, settings

from app.mail.canonical import is_crlf, is_seven_bit, make_signable
from app.mail.entity import Entity, parse_entity
from app.mail.errors import MalformedMessage
from tests.examples import examples
from tests.mail.strategies import entities, leaf_contents, rubbish


@settings(deadline=None)
@given(entities)
def test_the_decoded_content_of_each_leaf_is_unchanged(entity: bytes) -> None:
    signable = make_signable(entity)
    assert leaf_contents(parse_entity(signable)) == leaf_contents(parse_entity(entity))


@settings(deadline=None)
@given(entities)
def test_nothing_is_left_that_a_relay_would_rewrite(entity: bytes) -> None:
    signable = make_signable(entity)
    assert is_seven_bit(signable)
    assert is_crlf(signable)
    assert not re.search(rb"(?:\A|\n)From ", signable)
    assert max(map(len, signable.split(b"\r\n"))) <= 998


@settings(deadline=None)
@given(entities)
def test_what_is_in_order_stays_the_same_object(entity: bytes) -> None:
    signable = make_signable(entity)
    assert make_signable(signable) is signable


@settings(deadline=None)
@given(entities)
def test_what_became_quoted_printable_or_base64_keeps_to_its_columns(entity: bytes) -> None:
    before = _leaves(parse_entity(entity))
    after = _leaves(parse_entity(make_signable(entity)))
    for former, leaf in zip(before, after, strict=True):
        # What came so encoded keeps the lines it came with, also where its fields were rewritten.
        if leaf.encoding == former.encoding:
            continue
        lines = leaf.body.removesuffix(b"\r\n").split(b"\r\n")
        if leaf.encoding == "base64":
            assert all(len(line) == 76 for line in lines[:-1])
            assert len(lines[-1]) <= 76
        if leaf.encoding == "quoted-printable":
            assert all(len(line) <= 76 for line in lines)
            assert not any(line.endswith((b" ", b"\t")) for line in lines)
            assert not leaf.body.endswith((b"=", b"=\r\n"))


@settings(deadline=None)
@given(entities)
def test_parts_that_are_in_order_stay_octet_for_octet(entity: bytes) -> None:
    signable = make_signable(entity)
    for leaf in _leaves(parse_entity(entity)):
        octets = leaf.octets
        if make_signable(octets) is octets:
            assert octets in signable


@examples(300)
@given(rubbish)
def test_rubbish_raises_nothing_but_malformed_message(octets: bytes) -> None:
    try:
        signable = make_signable(octets)
    except MalformedMessage:
        return
    assert make_signable(signable) == signable


def _leaves(entity: Entity) -> list[Entity]:
    if entity.is_message:
        return _leaves(entity.message())
    parts = entity.parts()
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [entity]
