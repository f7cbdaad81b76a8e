"""Who may sign a list: the authority itself, and nobody who copied a signature or a name (T57)."""

from datetime import timedelta

from cryptography import x509

from app.cms import der
from app.pki.reasons import REVOCATION_UNKNOWN
from tests.pki.test_revocation import BAD, GOOD, ROOT, ROOT_SAYS, SUB, URL, Store, ask
from tests.testpki import AT, TestCA, ca, private_key


def _with_signature_of(genuine: bytes, forged: bytes) -> bytes:
    """Return a signed object whose signature value was copied from another one."""
    theirs, ours = der.read_one(genuine, der.SEQUENCE), der.read_one(forged, der.SEQUENCE)
    theirs.next(), theirs.next()
    signature = theirs.next().whole
    return der.tlv(der.SEQUENCE, ours.next().whole, ours.next().whole, signature)


def test_list_is_not_believed_for_the_signature_it_copied() -> None:
    # QUIRK of certvalidator 0.33: it remembers the issuer of a list by the value of its signature.
    stale = SUB.crl(at=AT - timedelta(days=20), days=7)
    clean = TestCA(SUB.name, private_key("p256", "forger"), None, URL)
    forged = _with_signature_of(stale, clean.crl(at=AT - timedelta(days=21), days=90))
    result = ask(BAD, "hard", crls=[stale, forged, ROOT.crl()])
    assert (result.status, result.revocation) == ("untrusted", "unknown")


def test_issuer_of_a_list_is_not_believed_for_the_signature_it_copied() -> None:
    # QUIRK of certvalidator 0.33: it remembers a validated certificate by that value, too.
    top = TestCA(ROOT.name, private_key("p256", "rogue top"), None, URL)
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT.key.public_key())
    rogue = ca(
        "Revocation Sub", top, private=private_key("p256", "rogue"), extensions=[(named, False)]
    )
    copied = _with_signature_of(SUB.certificate, rogue.certificate)
    result = ask(BAD, "hard", crls=[rogue.crl(), ROOT.crl()], others=[copied])
    assert (result.status, result.revocation) == ("untrusted", "unknown")


def test_authority_may_sign_its_lists_with_another_key() -> None:  # RFC 5280 §6.3.3 (f)
    separate = ca("Revocation Sub", ROOT, private=private_key("p256", "lists"), usage=("crl_sign",))
    separate.revoked = dict(SUB.revoked)
    data = [separate.crl(), ROOT.crl()]
    assert ask(GOOD, "hard", crls=data, others=[separate.certificate]).revocation == "good"
    assert ask(BAD, "hard", crls=data, others=[separate.certificate]).status == "revoked"
    assert ask(GOOD, "hard", crls=data).revocation == "unknown"


def test_subscriber_cannot_make_lists_about_his_neighbours() -> None:
    # QUIRK of certvalidator 0.33: a list is taken from whoever has the same authority above him.
    mallory = SUB.issue("mallory@example.org", usage=None)
    office = TestCA(mallory.x509.subject, mallory.key, SUB, URL)
    office.certificate = mallory.certificate
    data = [office.crl(), ROOT.crl()]
    assert ask(BAD, "hard", crls=data, others=[mallory.certificate]).revocation == "unknown"
    office.revoked = {GOOD.x509.serial_number: AT - timedelta(days=9)}
    data = [office.crl(), ROOT.crl()]
    assert ask(GOOD, "hard", crls=data, others=[mallory.certificate]).revocation == "unknown"


def test_authority_cannot_vouch_for_itself() -> None:
    twin = ca("Revocation Sub", ROOT, private=SUB.key, url=URL)
    result = ask(GOOD, "hard", crls=[SUB.crl()], others=[twin.certificate])
    assert result.reasons == (f"{REVOCATION_UNKNOWN}: CN=Revocation Sub",)


def test_issuer_of_a_list_is_found_beside_one_with_its_serial_number() -> None:
    decoy = ca("Revocation Sub", ROOT, private=private_key("p256", "decoy"), serial=88)
    signer = ca("Revocation Sub", ROOT, private=private_key("p256", "signer"), serial=88)
    pool = [decoy.certificate, signer.certificate]
    assert ask(GOOD, "hard", crls=[signer.crl(), ROOT.crl()], others=pool).revocation == "good"


# T56: a key that anybody can break says nothing about others
def test_small_key_signs_neither_lists_nor_responses() -> None:
    small = ca("Revocation Sub", ROOT, private=private_key("rsa1024", "lists"), usage=("crl_sign",))
    result = ask(GOOD, "hard", crls=[small.crl(), ROOT.crl()], others=[small.certificate])
    assert result.revocation == "unknown"
    responder = SUB.issue(
        "small@example.org",
        key="rsa1024",
        usage=("digital_signature",),
        extended=("ocsp_signing",),
        extensions=[(x509.OCSPNoCheck(), False)],
    )
    said = [SUB.ocsp(GOOD, responder=responder), ROOT_SAYS]
    assert ask(GOOD, "hard", store=Store((), said)).revocation == "unknown"
