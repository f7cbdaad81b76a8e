"""What a person approved is believed without a path, and not more than that."""

import pytest

from app.smime.finding import Status
from app.smime.sign import sign
from tests.forgery import structure
from tests.smime.house import AT, TOKEN, certificate_of, find, letter, signer_of, trust
from tests.testpki import TestIdentity, ca


def signed(
    identity: TestIdentity, more: bytes = b"", sender: bytes = b"alice@example.org"
) -> bytes:
    octets = letter(more=more, sender=sender)
    return sign(octets, signer_of(identity), form="clear", at=AT, token=TOKEN)


@pytest.mark.parametrize(
    ("sender", "status"),
    [
        ("secretary@example.org", Status.VALID_DOMAIN),
        ("domain-signing-authority@example.net", Status.VALID_DOMAIN),  # the certificate names it
        ("evil@example.com", Status.VALID_OTHER),
        ("evil@sub.example.org", Status.VALID_OTHER),
        ('"a b"@example.com', Status.VALID_OTHER),
    ],
)
def test_domain_certificate_does_not_speak_for_the_sender_of_another_domain(  # T49, T69
    sender: str, status: Status
) -> None:
    gateway = structure.self_signed("domain-signing-authority@example.net", "p256")
    view = trust()
    view.domains["example.org"] = frozenset({certificate_of(gateway).fingerprint})
    octets = signed(gateway, f"Sender: {sender}\r\n".encode())
    finding = find(octets, view)
    assert finding.status is status
    assert finding.has("sender-differs") is (status is Status.VALID_OTHER)


# T58, D4: nobody can be asked about a certificate that has no path, which is not good news
@pytest.mark.parametrize(
    ("mode", "url", "result"),
    [
        ("soft", "", "pass"),
        ("hard", "", "pass"),
        ("require", "", "temperror"),
        ("off", "", "pass"),
        ("soft", "http://pki.example/nobody", "pass"),
        ("hard", "http://pki.example/nobody", "temperror"),
        ("require", "http://pki.example/nobody", "temperror"),
        ("off", "http://pki.example/nobody", "pass"),
    ],
)
@pytest.mark.parametrize("of_domain", [False, True])
def test_approved_certificate_without_a_path_is_not_known_to_be_in_force(
    mode: str, url: str, result: str, of_domain: bool
) -> None:
    who = ca(f"Nobody's {url}", url=url).issue("alice@example.org")
    fingerprint = certificate_of(who).fingerprint
    view = trust()
    if of_domain:
        view.domains["example.org"] = frozenset({fingerprint})
    else:
        view.pinned.add((fingerprint, "alice@example.org"))
    finding = find(signed(who), view, revocation=mode)
    assert finding.result == result
    assert finding.has("revocation-required") is (result == "temperror")
    assert finding.has("revocation-unknown") is (mode == "soft" and bool(url))


# T50: what is found by a forgiving look-up is not believed for it; "ß" and "ss" are two mailboxes
@pytest.mark.parametrize(
    ("bound", "sender", "is_whose"),
    [
        ("kate@example.org", "kate@example.org", True),
        ("kate@example.org", "KATE@Example.ORG", True),
        ("kate@example.org", "\u212aate@example.org", False),
        ("kate@example.org", "kate@example\u3002org", False),
        ("kate@example.org", "kate@\uff45xample.org", False),
        ("kate@example.org", "kate@example.org.", False),
        ("kate@example.org", '"kate"@example.org', False),
        ("strasse@example.org", "stra\u00dfe@example.org", False),
        ("j\u00f6rg@example.org", "J\u00f6rg@example.org", True),
        ("kate@xn--bcher-kva.example", "kate@b\u00fccher.example", True),
        ("kate@xn--bcher-kva.example", "kate@B\u00dcCHER.example", False),
        ('"a b"@example.org', '"a b"@example.org', True),
    ],
)
@pytest.mark.parametrize("of_domain", [False, True])
def test_approval_for_a_name_holds_for_that_name_as_it_is_written(
    bound: str, sender: str, is_whose: bool, of_domain: bool
) -> None:
    who = structure.self_signed("somebody@elsewhere.example", "p256")
    fingerprint = certificate_of(who).fingerprint
    view = trust()
    domain = sender.rpartition("@")[2]
    if of_domain:
        view.domains[bound.rpartition("@")[2]] = frozenset({fingerprint})
        is_whose = is_whose or domain == "example.org"
    else:
        view.pinned.add((fingerprint, bound))
    finding = find(signed(who, sender=sender.encode()), view)
    assert (finding.result == "pass") is is_whose


def test_address_that_its_certificate_names_is_whose_approval_it_is() -> None:
    # The book folds it to "strasse".
    who = ca("Nobody's own").issue("stra\u00dfe@example.org")
    view = trust()
    view.pinned.add((certificate_of(who).fingerprint, "strasse@example.org"))
    finding = find(signed(who, sender="stra\u00dfe@example.org".encode()), view)
    assert finding.status is Status.VALID
