"""A certificate that calls itself an authority, for a whole domain (D1, D4; B3 for persons).

``openssl req -x509`` makes such ones, and "self-made is enough" (D1).
"""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.mail.address import originator
from app.mail.headers import split
from app.model import partners, pending
from app.model.errors import Refused
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from app.smime.finding import Finding, Status
from app.smime.kinds import recognise
from app.smime.sign import sign
from app.smime.verify import verify
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, certificate, person
from tests.model.test_harvesting import found, harvest
from tests.model.test_partners import chosen, prints, taken
from tests.testpki import AT, TestIdentity, ca, mailbox

PARTNER = "partner.example"
NAME = f"domain-confidentiality-authority@{PARTNER}"
SAN = (x509.SubjectAlternativeName([mailbox(NAME)]), False)

SELF_MADE = ca("Self-made", usage=None, extensions=(SAN,))
REAL = ca("Real Authority")
OURS = Certificate.from_der(SELF_MADE.certificate)


def test_a_self_made_certificate_of_a_domain_is_taken_with_a_warning(store: Store) -> None:
    (row,) = taken(store.database, SELF_MADE.identity.pem, name=PARTNER)
    assert (row["name"], row["is_domain"]) == (PARTNER, True)
    assert "CA:TRUE" in row["warnings"][0]
    assert chosen(store, BOB) == ("domain", prints(OURS), [])
    assert store.trust.anchors.ders == ()
    assert look_again(store).snapshot().intermediates == ()


REFUSED: list[tuple[str, bytes, str | None]] = [
    ("for a person", SELF_MADE.identity.pem, BOB),
    ("for its own address", SELF_MADE.identity.pem, None),
    ("an authority's alone", REAL.identity.pem, PARTNER),
    ("two of them", SELF_MADE.identity.pem + ca("Twin", usage=None).identity.pem, PARTNER),
    (
        "weak as well",
        ca("Weak", usage=("digital_signature", "crl_sign"), key="rsa1024").identity.pem,
        PARTNER,
    ),
]


@pytest.mark.parametrize(("what", "octets", "name"), REFUSED, ids=[each[0] for each in REFUSED])
def test_any_other_authority_is_refused(
    store: Store, what: str, octets: bytes, name: str | None
) -> None:
    with pytest.raises(Refused, match="certificate authority"):
        taken(store.database, octets, name=name)
    assert partners.list_partners(store.database) == []


def test_beside_a_leaf_it_is_what_it_says(store: Store) -> None:
    octets = person(BOB).pem + SELF_MADE.identity.pem
    (row,) = taken(store.database, octets, name=PARTNER)
    assert row["fingerprint"] == certificate(BOB).fingerprint
    assert look_again(store).snapshot().intermediates == (), "it has not issued the other"


def judged(store: Store, who: TestIdentity, **how: Any) -> Finding:
    text = b"From: " + BOB.encode() + b"\r\nMIME-Version: 1.0\r\n\r\nHello\r\n"
    signer = Signer(who.certificate, load_private_key(who.private_pkcs8), who.chain)
    message = sign(text, signer, form="clear", at=AT, token=b"=_0123")
    by = originator(split(message).headers)
    trust = look_again(store).trust
    return verify(message, recognise(message), by, trust, **{"at": AT, **how})


# D4: explicit trust in this one; T51: and in nobody else
def test_it_signs_for_the_domain_and_vouches_for_nobody(store: Store) -> None:
    assert judged(store, SELF_MADE.identity).status is Status.UNTRUSTED
    (row,) = taken(store.database, SELF_MADE.identity.pem, name=PARTNER)
    assert judged(store, SELF_MADE.identity).status is Status.VALID_DOMAIN
    assert judged(store, SELF_MADE.issue(BOB)).status is Status.UNTRUSTED
    ended = judged(store, SELF_MADE.identity, at=OURS.not_after + timedelta(days=1))
    assert ended.status is Status.UNTRUSTED
    partners.disable(store.database, row["id"])
    assert judged(store, SELF_MADE.identity).status is Status.UNTRUSTED


# D4: "plus a queue entry 'looks like a domain certificate of …'"
def test_one_that_a_message_brings_waits_and_is_approved_for_the_domain_only(store: Store) -> None:
    comes = found(OURS, "self-signed", "looks-like-domain-certificate")
    assert harvest(store, comes, "on_error", AT) == "pending"
    (row,) = pending.list_pending(store.database, AT)
    with pytest.raises(Refused, match="as-domain"):
        pending.approve(store.database, row["id"], AT)
    assert partners.list_partners(store.database) == []
    pending.approve(store.database, row["id"], AT, as_domain=True)
    assert chosen(store, BOB) == ("domain", prints(OURS), [])


def test_one_that_signs_as_the_domain_itself_waits_too(store: Store) -> None:
    comes = found(OURS, "self-signed", address=NAME)
    assert harvest(store, comes, "on_error", AT) == "pending"
    (row,) = pending.list_pending(store.database, AT)
    assert "looks-like-domain-certificate" in [each["code"] for each in row["reasons"]]
    (entry,) = pending.approve(store.database, row["id"], AT, as_domain=True)
    assert entry["name"] == PARTNER


def test_an_authority_that_no_name_explains_is_dropped(store: Store) -> None:
    other = found(Certificate.from_der(REAL.certificate), "looks-like-domain-certificate")
    assert harvest(store, other, "on_error", AT) == "dropped"
    assert harvest(store, found(OURS, "self-signed"), "on_error", AT + DAY) == "dropped"
    assert pending.list_pending(store.database, AT) == []
