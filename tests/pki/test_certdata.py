"""Mozilla's list: whom it trusts for e-mail, and that nobody else is taken for one of them."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pki.certdata import is_certdata, read_certdata
from app.pki.errors import MalformedCertificate
from tests.certdata import HEAD, TRUSTED, certificate, octal, trust
from tests.pki.test_fuzz import QUICK, changed
from tests.testpki import AT, ca

MAIL, WEB = ca("For Mail").certificate, ca("For The Web").certificate
VERIFY, NEVER = b"CKT_NSS_MUST_VERIFY_TRUST", b"CKT_NSS_NOT_TRUSTED"
LIST = HEAD + certificate(MAIL) + trust(MAIL) + certificate(WEB) + trust(WEB, VERIFY)


def for_mail(octets: bytes) -> list[bytes]:
    return [each.der for each in read_certdata(octets) if each.is_for_mail]


@pytest.mark.parametrize("octets", [LIST, LIST.replace(b"\n", b"\r\n")], ids=["lf", "crlf"])
def test_only_who_is_trusted_for_e_mail_is_for_mail(octets: bytes) -> None:
    assert is_certdata(octets)
    assert [each.der for each in read_certdata(octets)] == [MAIL, WEB]
    assert for_mail(octets) == [MAIL]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (certificate(MAIL), "nothing is said of it"),
        (certificate(MAIL) + trust(MAIL, NEVER), "it is distrusted"),
        (certificate(MAIL) + trust(MAIL, b"CKT_NSS_TRUSTED"), "trusted, but not to issue"),
        (certificate(MAIL) + trust(MAIL) + trust(MAIL, NEVER), "distrust wins"),
        (trust(MAIL, NEVER) + trust(MAIL) + certificate(MAIL), "whatever comes first"),
        (certificate(MAIL) + trust(WEB), "another one is meant"),
        (certificate(MAIL) + trust(MAIL, of=WEB), "same name and number, another certificate"),
        (trust(MAIL), "trust in what is not there"),
        (
            b"# CKA_TRUST_EMAIL_PROTECTION CK_TRUST " + TRUSTED + b"\n" + certificate(MAIL),
            "comment",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_in_doubt_nobody_is_trusted(octets: bytes, why: str) -> None:
    assert for_mail(HEAD + octets) == [], why


def test_the_end_of_trust_is_read() -> None:
    octets = HEAD + certificate(MAIL, distrust_after=AT) + trust(MAIL) + certificate(WEB)
    assert [each.distrust_after for each in read_certdata(octets)] == [AT, None]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no line BEGINDATA"),
        (b"CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\n", "no line BEGINDATA"),
        (HEAD + b"CKA_VALUE MULTILINE_OCTAL\n\\060\\202\n", "cut off"),
        (HEAD + b"CKA_VALUE MULTILINE_OCTAL\n\\060\\402\nEND\n", "no octets"),
        (HEAD + b"CKA_VALUE MULTILINE_OCTAL\n\\060\\2\nEND\n", "no octets"),
        (HEAD + octal("CKA_VALUE", b"0" * 2**17), "no octets"),
        (HEAD + b"<html>\n", "no attribute"),
        (HEAD + 2 * octal("CKA_VALUE", b"0"), "CKA_VALUE twice"),
        (HEAD + 10_001 * b"CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\n", "more than 10000"),
        (HEAD + certificate(MAIL).replace(b"CK_BBOOL CK_FALSE", b"CK_BBOOL CK_TRUE"), "a date"),
    ],
)
def test_a_broken_list_is_refused_with_its_fault(octets: bytes, why: str) -> None:
    with pytest.raises(MalformedCertificate, match=why):
        read_certdata(octets)


@QUICK
@given(changed(LIST) | st.binary() | st.binary().map(HEAD.__add__))
def test_a_changed_list_raises_nothing_else(octets: bytes) -> None:
    with suppress(MalformedCertificate):
        for each in read_certdata(octets):
            assert each.distrust_after is None or isinstance(each.distrust_after, datetime)


# RFC 7468 text around PEM, a message or a binary file is no such list.
@pytest.mark.parametrize("octets", [MAIL, b"", b"Subject: BEGINDATA\r\n\r\nBEGINDATA of it\r\n"])
def test_other_files_are_no_list(octets: bytes) -> None:
    assert not is_certdata(octets)
