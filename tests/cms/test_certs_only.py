import pytest

from app.cms.certs_only import build_certs_only, parse_certs_only
from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import CERTIFICATES
from tests.cms.identities import identity
from tests.testpki import ca


def test_certificates_come_back() -> None:
    who = identity()
    certificates = (who.certificate, *who.chain)
    assert set(parse_certs_only(build_certs_only(certificates))) == set(certificates)


def test_nobody_has_signed_it() -> None:
    octets = build_certs_only([identity().certificate])
    assert octets.endswith(b"\x31\x00")


def test_one_certificate_stands_there_once() -> None:
    octets = build_certs_only([identity().certificate] * 3)
    assert parse_certs_only(octets) == (identity().certificate,)


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_certificates_are_counted(excess: int) -> None:  # T107
    issuer = ca("Issuing", parent=ca("Root"))
    many = [issuer.issue("alice@example.org").certificate for _ in range(CERTIFICATES + excess)]
    if excess <= 0:
        assert len(parse_certs_only(build_certs_only(many))) == len(many)
    else:
        with pytest.raises(TooLarge):
            parse_certs_only(build_certs_only(many))


def test_something_else_is_malformed() -> None:
    with pytest.raises(MalformedCms):
        parse_certs_only(identity().certificate)
