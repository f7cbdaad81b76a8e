"""What hosts of issuers say is believed no more than what a message brings, and kept less."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.pki.test_issuers import ROOT, World, certs_only, issuer_at, world
from tests.testpki import AT, TestCA, ca, private_key

__all__ = ["world"]

USELESS: list[tuple[str, Callable[[World], bytes]]] = [
    ("another authority", lambda _: ca("Issuers Stranger").certificate),
    (
        "one of the same name",
        lambda _: ca("Issuers Sub", ROOT, private=private_key("p256", "liar")).certificate,
    ),
    ("itself", lambda world: world.alice.certificate),
    ("a person", lambda _: ROOT.issue("bob@example.org").certificate),
    ("a page", lambda _: b"<html>Log in!</html>"),
    ("nothing", lambda _: b""),
    ("rubbish", lambda _: b"\x30\x82\xff\xff"),
    ("too much", lambda _: bytes(300_000)),
]


@pytest.mark.parametrize(("name", "lie"), USELESS, ids=[name for name, _ in USELESS])
def test_lie_is_not_believed_and_not_kept(
    world: World, name: str, lie: Callable[[World], bytes]
) -> None:
    world.responders.answers["/sub.cer"] = lie(world)
    assert world.ask().status == "untrusted", name
    world.settle()
    world.ask()
    assert (world.kept, world.requests) == ([], ["/sub.cer"])


# What is fetched is believed no more than what a message brings.
def test_whole_world_of_a_stranger_is_not_believed(world: World) -> None:
    top = ca("Issuers Mallory")
    below = ca("Issuers Mallory Sub", top)
    world.responders.answers["/sub.cer"] = certs_only(below.certificate, top.certificate)
    found = world.ask(world.signer(below))
    assert (found.status, found.path) == ("untrusted", ())
    world.settle()
    assert world.kept == []


# T110: twins of an authority by the hundred, until nobody's signature has a path any more
def test_nobody_below_a_subscriber_is_kept(world: World) -> None:
    mallory = world.signer(world.sub).key
    subscriber = world.sub.issue(
        "mallory@example.org",
        private=mallory,
        extensions=[issuer_at(world.responders.url("sub.cer"))],
    )
    below = TestCA(subscriber.x509.subject, mallory, world.sub, "")
    below.certificate = subscriber.certificate
    twin = ca("Issuers Sub", below, private=private_key("p256", "twin"))
    alice = twin.issue("alice@example.org")
    assert world.ask(alice, twin.certificate, subscriber.certificate).status == "untrusted"
    world.settle()
    assert world.requests == ["/sub.cer"]
    assert world.kept == []


def test_only_who_completes_a_path_is_kept(world: World) -> None:
    top = ca("Issuers Mallory Top")
    below = ca("Issuers Mallory Low", top, extensions=[issuer_at(world.responders.url("top.cer"))])
    world.responders.answers["/top.cer"] = top.certificate
    assert world.ask(below.issue("a@example.org"), below.certificate).status == "untrusted"
    ended = ca("Issuers Ended", ROOT, not_after=AT - timedelta(days=1))
    world.responders.answers["/ended.cer"] = ended.certificate
    assert world.ask(world.signer(ended, "ended.cer")).status != "trusted"
    world.settle()
    assert (world.requests, world.kept) == (["/top.cer", "/ended.cer"], [])
