"""Nothing leaves without a permit."""

import asyncio

import pytest

from app.mta import reply
from app.mta.cargo import Cargo
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from app.smime import encrypt
from app.smime.encrypt import Sealed
from tests.mta.servers import clear

MESSAGE = b"Subject: a\r\nMIME-Version: 1.0\r\n\r\nMIAGCSqGSIb3DQEHA6CA\r\n"
SEALED = Sealed(maker=encrypt._MAKER, octets=MESSAGE)
PLAIN = b"Subject: a\r\n\r\nin the clear\r\n"


@pytest.mark.parametrize(
    "permit", [None, (), "yes", True, (None,), (*clear("a@x"), None), object()]
)
def test_octets_without_a_permit_are_no_cargo(permit: object) -> None:
    with pytest.raises(TypeError):
        Cargo(PLAIN, permit)


@pytest.mark.parametrize(
    "octets",
    [
        PLAIN,
        b"",
        MESSAGE + b"more\r\n",
        PLAIN + MESSAGE,
        b"Subject: a\r\n\r\nclear\r\n\r\nMIAGCSqGSIb3DQEHA6CA\r\n",
        MESSAGE[:-3],
    ],
)
def test_seal_of_one_message_does_not_cover_another(octets: bytes) -> None:
    with pytest.raises(TypeError):
        Cargo(octets, SEALED)


def test_sealed_octets_may_have_fields_on_top() -> None:
    assert Cargo(b"Received: here\r\n" + MESSAGE, SEALED).may_go_to(["anybody@x"])


def test_message_is_octets() -> None:
    with pytest.raises(TypeError):
        Cargo(bytearray(PLAIN), clear("a@x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("cargo", [None, PLAIN, (PLAIN, SEALED), Cargo(PLAIN, clear("other@x"))])
def test_relay_stops_what_has_no_permit_for_the_recipient(cargo: object) -> None:
    answers = asyncio.run(
        Relay("gw.example").send(NextHop("smtp", "127.0.0.1", 1), "", ["a@x", "b@x"], cargo)
    )
    assert answers == [reply.STEP_FAILED] * 2


def test_permit_of_one_recipient_is_not_that_of_the_group() -> None:
    assert not Cargo(PLAIN, clear("a@x")).may_go_to(["a@x", "b@x"])
    assert Cargo(PLAIN, clear("a@x", "b@x")).may_go_to(["a@x", "b@x"])
