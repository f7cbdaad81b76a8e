"""Mail in the shapes of real clients, and what lists and servers do to it on the way."""

from collections.abc import Iterator

from app.cms.enveloped import build_enveloped
from app.mail.canonical import make_signable
from app.mail.compose import wrap_base64
from app.mail.headers import split
from tests.forgery.framing import multipart
from tests.forgery.makers import Workshop, head, text
from tests.forgery.shapes import BODIES, SHAPES, Shape, write
from tests.vectors.recipes.case import CLEAR, ENTITY, TEXT, Case, bob

_BODY_OF = {
    "outlook": "quoted-printable",
    "thunderbird": "plain",
    "apple": "plain",
    "gmail": "alternative",
    "openssl": "dots",
    "mimekit": "white-space",
}
_LETTER = (
    b"Dear Bob,\r\n\r\nFrom here on we trust you.\r\nThe total is 100.\r\n\r\n-- \r\nAlice\r\n"
)
_FOOTER = (
    b"_______________________________________________\r\n"
    b"Talk mailing list\r\nhttps://lists.example.org/talk\r\n"
)


def cases() -> Iterator[Case]:
    for shape in SHAPES:
        yield from _written(shape)
    yield from _encrypted()
    yield from _on_the_way()


def _written(shape: Shape) -> Iterator[Case]:
    for form, kind in (("clear", "rsa2048"), ("opaque", "p256")):
        entity = make_signable(BODIES[_BODY_OF[shape.name]])
        yield Case(
            f"{shape.name}-{form}",
            f"Signed as {shape.name} writes it ({_BODY_OF[shape.name]}).",
            write(shape, Workshop(kind, "", form), entity),
            "valid",
            body=split(entity).body,
            openssl="verify",
        )


def _encrypted() -> Iterator[Case]:
    cms = wrap_base64(build_enveloped([ENTITY], [bob().certificate], cipher="aes256-cbc"))
    for name, about, fields in (
        (
            "outlook-encrypted",
            "The type of before RFC 5751, smime-type last.",
            (
                b'Content-Type: application/x-pkcs7-mime;\r\n\tname="smime.p7m";\r\n'
                b"\tsmime-type=enveloped-data\r\n"
            ),
        ),
        (
            "exchange-octet-stream",
            "Exchange made the type application/octet-stream; only the file name tells.",
            (
                b'Content-Type: application/octet-stream; name="smime.p7m"\r\n'
                b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
            ),
        ),
        (
            "apple-encrypted",
            "File name in the disposition, upper case.",
            (
                b"Content-Type: application/pkcs7-mime;\r\n\tsmime-type=enveloped-data;\r\n"
                b"\tname=SMIME.P7M\r\nContent-Disposition: attachment;\r\n\tfilename=SMIME.P7M\r\n"
            ),
        ),
    ):
        octets = head() + fields + b"Content-Transfer-Encoding: base64\r\n\r\n" + cms
        # OpenSSL asks for the type itself.
        other = "" if "octet-stream" in name else "bob-rsa2048"
        yield Case(name, about, octets, "none", "decrypted", "aes256-cbc", openssl=other)


def _on_the_way() -> Iterator[Case]:
    entity = TEXT + _LETTER
    cms = CLEAR.cms(entity)

    def arrived(now: bytes) -> bytes:
        return CLEAR.mail(head(), now, cms)

    yield Case(
        "way-untouched",
        "The letter of the next ones.",
        arrived(entity),
        "valid",
        body=_LETTER,
        openssl="verify",
    )
    for name, about, now in (
        ("list-footer", "A list appended its footer inside the signed part.", _LETTER + _FOOTER),
        (
            "from-line",
            "A mailbox put > before a line that begins with From.",
            _LETTER.replace(b"\r\nFrom ", b"\r\n>From "),
        ),
        (
            "trailing-space",
            "A server cut white space at the ends of lines.",
            _LETTER.replace(b"-- \r\n", b"--\r\n"),
        ),
        ("exchange-line-end", "Exchange lost the last line end.", _LETTER[:-2]),
    ):
        yield Case(f"way-{name}", about, arrived(TEXT + now), "invalid", body=now, openssl="reject")
    subject = arrived(entity).replace(b"Subject: ", b"Subject: [talk] ", 1)
    fields = b"List-Id: <talk.lists.example.org>\r\nPrecedence: list\r\n"
    yield Case(
        "way-list-subject",
        "A list changed the Subject and added fields outside.",
        fields + subject,
        "valid",
        body=_LETTER,
        openssl="verify",
    )
    part = arrived(entity).partition(b"MIME-Version: 1.0\r\n")[2]
    wrapped = multipart("mixed", part, text(_FOOTER), boundary=b"===============77==")
    yield Case(
        "way-list-wrapped",
        "A list put the signed message beside its footer.",
        head() + wrapped,
        "partial",
        body=None,
    )
    exchange = b"X-MS-Exchange-Organization-AuthAs: Anonymous\r\nX-MS-Has-Attach: yes\r\n"
    moved = arrived(entity).replace(
        b'protocol="application/pkcs7-signature";\r\n micalg=sha-256; ',
        b'micalg=SHA256;\r\n\tprotocol="application/pkcs7-signature";\r\n\t',
    )
    yield Case(
        "way-exchange-fields",
        "Exchange wrote the fields anew; the signed part is whole.",
        exchange + moved,
        "valid",
        body=_LETTER,
        openssl="verify",
    )
