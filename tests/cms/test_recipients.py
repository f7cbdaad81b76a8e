import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from app.cms import algorithms, der, recipients
from app.cms.enveloped import parse_enveloped
from app.cms.errors import MalformedCms, UnsupportedCms
from tests.cms.identities import CONTENT, identity, key
from tests.cms.parts import EnvelopedParts, elements, enveloped, opened


@pytest.mark.parametrize("tag", [0x04, 0x31, 0xA5, 0x84])
def test_an_unknown_kind_of_recipient_info_is_malformed(tag: int) -> None:
    parts = EnvelopedParts(enveloped())
    parts.infos.append(der.tlv(tag, b"\x05\x00"))
    with pytest.raises(MalformedCms):
        parse_enveloped(parts.build())


def test_a_key_identifier_is_not_empty() -> None:
    parts = EnvelopedParts(enveloped("rsa2048"))
    version, _, *rest = elements(der.read_one(parts.infos[0], der.SEQUENCE))
    parts.infos = [der.tlv(der.SEQUENCE, version, der.tlv(0x80), *rest)]
    with pytest.raises(MalformedCms):
        parse_enveloped(parts.build())


def test_an_unknown_key_transport_is_unsupported_for_its_recipient_only() -> None:
    parts = EnvelopedParts(enveloped("rsa2048"))
    version, name, _, octets = elements(der.read_one(parts.infos[0], der.SEQUENCE))
    unknown = algorithms.identifier("1.2.3")
    forged = der.tlv(der.SEQUENCE, version, name, unknown, octets)
    parts.infos = [forged]
    found = parse_enveloped(parts.build())
    assert (found.recipients[0].kind, found.recipients[0].scheme) == ("ktri", "")
    with pytest.raises(UnsupportedCms):
        opened(parts.build(), "rsa2048")


def test_an_unknown_agreement_is_unsupported_for_its_recipient_only() -> None:
    parts = EnvelopedParts(enveloped("p256"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    version, originator, _, keys = elements(info)
    unknown = algorithms.identifier("1.2.3", algorithms.identifier("1.2.4"))
    forged = der.tlv(der.CONTEXT_1, version, originator, unknown, keys)
    parts.infos = [forged, EnvelopedParts(enveloped("p384")).infos[0]]
    assert [one.scheme != "" for one in parse_enveloped(parts.build()).recipients] == [False, True]
    with pytest.raises(UnsupportedCms):
        opened(parts.build(), "p256")


def test_only_keys_that_open_fit() -> None:
    for kind in ("rsa2048", "p256", "x25519", "mlkem768"):
        (recipient,) = parse_enveloped(enveloped(kind)).recipients
        assert recipients.fits(recipient, key(kind))
        assert not recipients.fits(recipient, ed25519.Ed25519PrivateKey.generate())


def test_who_is_not_named_has_no_way_to_the_key() -> None:
    nobody = recipients.RecipientId(b"", 0, b"", "other")
    assert not nobody.names(identity().certificate)
    assert len(recipients.unlock_key(nobody, key(), 32)) == 32


def test_an_originator_of_another_kind_opens_nothing() -> None:
    parts, other = EnvelopedParts(enveloped("x25519")), EnvelopedParts(enveloped("p256"))
    version, _, *rest = elements(der.read_one(parts.infos[0], der.CONTEXT_1))
    originator = list(elements(der.read_one(other.infos[0], der.CONTEXT_1)))[1]
    (recipient,) = parse_enveloped(enveloped("x25519")).recipients
    assert recipients.unlock_key(recipient, key("x25519"), 32)
    parts.infos = [der.tlv(der.CONTEXT_1, version, originator, *rest)]
    (forged,) = parse_enveloped(parts.build()).recipients
    first, second = (recipients.unlock_key(forged, key("x25519"), 32) for _ in range(2))
    assert first != second
    assert opened(enveloped("x25519"), "x25519") == CONTENT
