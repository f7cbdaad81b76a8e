"""open∘seal = id and verify∘sign = pass, for every content, key and algorithm."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.cms.ber import scan, to_der
from app.cms.certs_only import parse_certs_only
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.kind import content_kind
from app.cms.signed import Check, build_signed, parse_signed, verify_signer
from tests.cms.identities import CIPHERS, READING_KEYS, SIGNING_KEYS, identity, key, signer
from tests.examples import examples

MOMENTS = st.datetimes(
    datetime(1950, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2199, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
SCHEMES = st.sampled_from(
    [
        *((kind, "") for kind in SIGNING_KEYS),
        ("rsa2048", "rsa-pss-sha256"),
        ("rsa2048", "rsa-pss-sha512"),
        ("rsa2048", "rsa-sha512"),
        ("p256", "ecdsa-sha384"),
    ]
)
PIECES = st.lists(st.binary(max_size=300), max_size=4)
GOOD = Check(digest_matches=True, signature_matches=True)


@examples(150)
@given(PIECES, SCHEMES, st.booleans(), MOMENTS, st.data())
def test_what_is_signed_verifies_and_nothing_else(
    pieces: list[bytes],
    scheme: tuple[str, str],
    detached: bool,
    at: datetime,
    data: st.DataObject,
) -> None:
    cms = build_signed(signer(*scheme), pieces, detached=detached, at=at)
    scan(cms)
    assert to_der(cms) == cms
    assert content_kind(cms) == "signed"
    found = parse_signed(cms)
    content = b"".join(pieces)
    assert found.content == (None if detached else content)
    assert parse_certs_only(cms) == found.certificates
    (info,) = found.signers
    assert info.problems == ()
    assert info.attributes.signing_time == at.replace(microsecond=0)
    certificate = identity(scheme[0]).certificate
    assert verify_signer(info, [content], certificate) == GOOD
    other = data.draw(st.binary(max_size=300).filter(lambda octets: octets != content))
    assert not verify_signer(info, [other], certificate).digest_matches


@examples(150)
@given(
    PIECES,
    st.lists(st.sampled_from(READING_KEYS), min_size=1, unique=True),
    st.sampled_from(CIPHERS),
    st.sampled_from(["pkcs1v15", "oaep-sha256", "oaep-sha512"]),
)
def test_what_is_sealed_opens_for_everybody_it_is_for(
    pieces: list[bytes], kinds: list[str], cipher: str, rsa: str
) -> None:
    certificates = [identity(kind).certificate for kind in kinds]
    cms = build_enveloped(pieces, certificates, cipher=cipher, rsa=rsa)
    scan(cms)
    assert to_der(cms) == cms
    found = parse_enveloped(cms)
    assert len(found.recipients) == len(kinds)
    content = b"".join(pieces)
    for kind, certificate in zip(kinds, certificates, strict=True):
        opened = open_enveloped(found, key(kind), certificate, limit_octets=len(content))
        assert opened == content


@examples(100)
@given(PIECES, SCHEMES, st.integers(0, 9999), st.integers(1, 255))
def test_no_changed_octet_of_a_signature_passes_for_other_content(
    pieces: list[bytes], scheme: tuple[str, str], place: int, change: int
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    cms = bytearray(build_signed(signer(*scheme), pieces, detached=True, at=at))
    cms[len(cms) * place // 10_000] ^= change
    certificate = identity(scheme[0]).certificate
    try:
        found = parse_signed(bytes(cms))
    except ValueError:
        return
    for info in found.signers:
        check = verify_signer(info, [b"".join(pieces), b"x"], certificate)
        assert not (check.digest_matches and check.signature_matches)
