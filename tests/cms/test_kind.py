from collections.abc import Callable

import pytest

from app.cms import algorithms, der
from app.cms.certs_only import build_certs_only
from app.cms.enveloped import build_enveloped
from app.cms.errors import MalformedCms
from app.cms.kind import content_kind
from app.cms.signed import build_signed
from tests.cms.identities import CONTENT, identity, signer
from tests.testpki import AT


def _info(name: str) -> bytes:
    return der.tlv(der.SEQUENCE, algorithms.CONTENT_TYPE_DER[name], b"\xa0\x02\x30\x00")


KINDS: list[tuple[Callable[[], bytes], str]] = [
    (lambda: build_signed(signer(), [CONTENT], detached=True, at=AT), "signed"),
    (lambda: build_certs_only([identity().certificate]), "signed"),
    (lambda: _enveloped("aes128-cbc"), "enveloped"),
    (lambda: _enveloped("aes128-gcm"), "auth-enveloped"),
    (lambda: _info("compressed"), "compressed"),
    (lambda: _info("data"), "data"),
    (lambda: _info("digested"), "other"),
    (lambda: _info("encrypted"), "other"),
    (lambda: bytes.fromhex("308006032a03040000"), "other"),
]


def _enveloped(cipher: str) -> bytes:
    return build_enveloped([CONTENT], [identity().certificate], cipher=cipher)


@pytest.mark.parametrize(("build", "kind"), KINDS)
def test_the_content_type_is_the_kind(build: Callable[[], bytes], kind: str) -> None:
    assert content_kind(build()) == kind


@pytest.mark.parametrize("octets", ["", "30", "3003020101", "0406032a0304", "30820000"])
def test_what_is_no_content_info_has_no_kind(octets: str) -> None:
    with pytest.raises(MalformedCms):
        content_kind(bytes.fromhex(octets))
