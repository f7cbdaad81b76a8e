"""Attacks on the sender's name: a true signature by Mallory that reads as Alice's.

T47-T51, JF I1-I3. And header sections that two readers read differently (T38), and protected ones
that lie (T60).
"""

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.forgery.makers import ALICE, EVIL, MALLORY, Workshop, authority, head, with_certificates
from tests.testpki import mailbox

Named = Iterator[tuple[str, bytes]]

_A, _M = ALICE.encode(), MALLORY.encode()

# From values that show Alice to the reader; each is signed by Mallory, who is truly Mallory.
_SHOWN = {
    "i1-from": _A,
    "i1-from-with-name": b"Alice <%s>" % _A,
    "i2-address-as-name": b'"%s" <%s>' % (_A, _M),
    "i2-address-bare-name": b"%s <%s>" % (_A, _M),
    "i2-address-padded": b'"%s%s" <%s>' % (_A, b" " * 120, _M),
    "i2-address-encoded": b"=?utf-8?q?alice=40example=2Eorg?= <%s>" % _M,
    "i2-address-base64": b"=?utf-8?b?YWxpY2VAZXhhbXBsZS5vcmc=?= <%s>" % _M,
    "i2-address-in-name": b'"Alice (%s)" <%s>' % (_A, _M),
    "i2-address-angle-in-name": b'"Alice <%s>" <%s>' % (_A, _M),
    "i2-name-only": b"Alice",
    "i2-empty": b"",
    "i2-empty-angle": b"Alice <>",
    "i2-comment": b"%s (Alice <%s>)" % (_A, _A),
    "i2-angle-twice": b"<%s> <%s>" % (_A, _M),
    "i2-full-width-at": '"alice\uff20example.org" <'.encode() + _M + b">",
    "i2-circled-at": '"alice\u24d0example.org" <'.encode() + _M + b">",
    "i2-unknown-charset": b"=?x-unknown?q?alice=40example=2Eorg?= <%s>" % _M,
    "i2-mainframe": b"=?ibm1047?b?gZOJg4V8haeBlJeThUuWmYc=?= <%s>" % _M,
    "i2-two-bytes": b"=?unicode?b?YQBsAGkAYwBlAEAAZQB4AGEAbQBwAGwAZQAuAG8AcgBnAA==?= <%s>" % _M,
    "i2-padded-inside": b"=?utf-8?b?YWxpY2U==QGV4YW1wbGUub3Jn?= <%s>" % _M,
    "i2-not-closed": b"=?utf-8?q?alice=40example=2Eorg <%s>" % _M,
    "i2-half-closed": b"=?utf-8?q?alice=40example=2Eorg? <%s>" % _M,
    "i2-question": b"=?utf-8?q?Ja?_alice=40example=2Eorg?= <%s>" % _M,
    "i2-blank-in-word": b"= ?utf-8?q?alice=40example=2Eorg?= <%s>" % _M,
    "i2-unknown-in-comment": b"%s (=?x-unknown?q?alice=40example=2Eorg?=)" % _M,
    "i2-unknown-in-quotes": b'"=?x-unknown?q?alice=40example=2Eorg?=" <%s>' % _M,
    "i3-two-mailboxes": b"%s, %s" % (_A, _M),
    "i3-two-mailboxes-turned": b"%s, %s" % (_M, _A),
    "i3-two-named": b"Alice <%s>, Mallory <%s>" % (_A, _M),
    "i3-group": b"Alice: %s;" % _M,
    "i3-group-empty": b"Alice:;",
    "i3-group-two": b"Us: %s, %s;" % (_A, _M),
    "i3-semicolon": b"%s; %s" % (_A, _M),
    "i3-route": b"<@example.org:%s>" % _M,
    "i3-nul": b"%s\x00%s" % (_A, _M),
    "i3-quoted-local": b'"%s,"@evil.example' % _A,
}

# Fields beside, or in place of, the one From of Mallory.
_BESIDE = {
    "i3-from-twice": b"From: %s\r\n" % _A,
    "i3-from-capitals": b"FROM: %s\r\n" % _A,
    "i3-from-space": b"From : %s\r\n" % _A,
    "i3-from-tab": b"From\t: %s\r\n" % _A,
    "i3-from-folded": b"From:\r\n %s\r\n" % _A,
    "i3-sender": b"Sender: %s\r\n" % _A,
    "i3-from-after-bare-lf": b"X-A: b\nFrom: %s\r\n" % _A,
    "i3-from-after-bare-cr": b"X-A: b\rFrom: %s\r\n" % _A,
    "i3-from-nul": b"From\x00: %s\r\n" % _A,
}

# Anomalies around a signature that is Alice's own: no reader can be sure what they read (T38).
_ANOMALIES = {
    "t38-bare-cr": b"X-A: b\rc\r\n",
    "t38-bare-lf": b"X-A: b\nc: d\r\n",
    "t38-nul": b"X-A: b\x00c\r\n",
    "t38-space-before-colon": b"X-A : b\r\n",
    "t38-no-field": b"this is no field\r\n",
    "t38-mbox-line": b"From alice Mon Jun 15 12:00:00 2026\r\n",
    "t38-two-types": b"Content-Type: text/html\r\n",
    "t38-two-encodings": b"Content-Transfer-Encoding: 7bit\r\n" * 2,
    "t38-blank-fold": b"X-A: b\r\n \r\n c\r\n",
    "t38-control": b"X-A: b\x08c\r\n",
    "t38-not-utf8": b"X-A: \xff\xfe\r\n",
    "t38-two-versions": b"MIME-Version: 1.0\r\nMIME-Version: 1.0\r\n",
}


def shown(shop: Workshop) -> Named:
    """T47-T49: From reads as Alice, Mallory signed."""
    for name, value in _SHOWN.items():
        yield name, shop.signed(head(value), EVIL, shop.mallory)
    for name, fields in _BESIDE.items():
        sender = b"Mallory <%s>" % _M
        yield name, shop.signed(fields + head(sender), EVIL, shop.mallory)
        yield name + "-below", shop.signed(head(sender, fields), EVIL, shop.mallory)
    resent = b"Resent-From: %s\r\nResent-Sender: %s\r\nReply-To: %s\r\n" % (_M, _M, _M)
    yield "i3-resent-from", shop.signed(head(_A, resent), EVIL, shop.mallory)
    yield "i3-sender-is-mallory", shop.signed(head(_A, b"Sender: %s\r\n" % _M), EVIL, shop.mallory)
    no_from = head().partition(b"\r\n")[2]
    yield "i2-absent", shop.signed(no_from, EVIL, shop.mallory)
    yield "i2-absent-sender", shop.signed(b"Sender: %s\r\n" % _M + no_from, EVIL, shop.mallory)
    bag = with_certificates(
        shop.cms(EVIL, shop.mallory), (shop.alice.certificate, shop.mallory.certificate)
    )
    yield "t97-alice-in-bag", shop.mail(head(), EVIL, bag)
    yield "t59-replay-other-from", shop.signed(head(b"Carol <carol@example.org>"), EVIL)


def anomalies(shop: Workshop) -> Named:
    """T38: a header section that is not clean, over a true signature of Alice."""
    for name, fields in _ANOMALIES.items():
        yield name, shop.signed(head(more=fields), EVIL)
        yield name + "-above", shop.signed(fields + head(), EVIL)


def protected(shop: Workshop) -> Named:
    """T60: the protected header section names Alice, outside stands Mallory, and the reverse."""
    body = b"\r\nPlease pay 9999.\r\n"
    for name, outer, inner, who in (
        ("outer-alice", _A, _M, shop.mallory),
        ("inner-alice", _M, _A, shop.mallory),
        ("inner-two", _A, _A + b", " + _M, shop.alice),
        ("inner-mallory", _A, _M, shop.alice),
    ):
        entity = b'Content-Type: text/plain; hp="clear"\r\nFrom: %s\r\nSubject: Urgent\r\n' % inner
        yield f"t60-{name}", shop.signed(head(outer), entity + body, who)


# Addresses in a certificate that are not alice@example.org, however they look (T50).
_LOCAL = (
    *("alice ", " alice", "a lice", "alice\t", "alice\x00", "alice\x00x", '"alice"', '"a lice"'),
    *("alice+x", "alice.", ".alice", "al..ice", "alice\u200b", "\u202ealice", "\uff41lice"),
    *("\u0430lice", "al\u0456ce", "alic\u0435", "alice\u00ad", "a\u0301lice", "alice\x7f"),
    *("alice\r\n", "alice\n", "alice(x)", "(x)alice", "<alice", "alice,mallory", "mallory,alice"),
    *("alice;", "alice%example.org", "alice!x", "alice\\", "'alice'", "alicee", "allice"),
    *("alice1", "1alice", "al1ce", "ALICE\u0131", "alice\u2060", "alice\ufeff"),
    "\uff41\uff4c\uff49\uff43\uff45",
)
_DOMAIN = (
    *("example.org.", "example.org ", " example.org", "example.org\x00.evil.example"),
    *("example.org\x00", "example.org.evil.example", "evil.example", "sub.example.org"),
    *("xexample.org", "example.com", "example", "org", "ex\u0430mple.org", "exampl\u0435.org"),
    *("example\uff0eorg", "example\u3002org", "\uff45xample.org", "example.org\u200b"),
    *("example..org", "-example.org", "example.org/", "example.org:25", "example.org>"),
    *("[192.0.2.1]", "example.org,evil.example", "example.org\r\n", "example.org\t"),
    *("xn--exmple-4nf.org", "example.org%00", "exa\u00admple.org"),
)
_WHOLE = (
    *("alice", "example.org", "@example.org", "alice@", "", "alice@example.org@evil.example"),
    *("mallory@evil.example,alice@example.org", "<alice@example.org>"),
    *("Alice <alice@example.org>", "mailto:alice@example.org", "alice@example.org (Alice)"),
    *("*@example.org", "alice@*", "alice at example.org", "\u202egro.elpmaxe@ecila"),
    *("alice\uff20example.org", "alice@@example.org", "alice@example.org;", "alice@example,org"),
    *("mallory@example.org", "ali@example.org", ".@example.org", "..@example.org"),
    *("alice@example.orgx", "alice@example.or", "bob@example.org", "alice@eXample.0rg"),
    *("a@example.org", "alice=example.org@evil.example", '"alice@example.org"@evil.example'),
)


def odd_addresses() -> Iterator[str]:
    """Yield a hundred addresses that a certificate for Mallory may hold."""
    for local in _LOCAL:
        yield f"{local}@example.org"
    for domain in _DOMAIN:
        yield f"alice@{domain}"
    yield from _WHOLE


def certificates(shop: Workshop) -> Named:
    """T50, T51: a trusted certificate whose name only looks like Alice's."""
    for number, address in enumerate(odd_addresses()):
        names = x509.SubjectAlternativeName([mailbox(address)])
        identity = authority().issue(MALLORY, key=shop.kind, san=names)
        yield f"t50-{number}", shop.signed(head(), EVIL, identity)
    for name, others in (
        ("dns", [x509.DNSName("example.org")]),
        ("uri", [x509.UniformResourceIdentifier("mailto:" + ALICE)]),
        ("directory", [x509.DirectoryName(_name(ALICE))]),
    ):
        san = x509.SubjectAlternativeName([*others, mailbox(MALLORY)])
        identity = authority().issue(MALLORY, key=shop.kind, san=san)
        yield f"t51-{name}", shop.signed(head(), EVIL, identity)
    common = authority().issue(MALLORY, key=shop.kind, subject=_name(ALICE))
    yield "t51-common-name", shop.signed(head(), EVIL, common)
    # The DN's emailAddress counts only where the SAN has no address at all.
    both = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, ALICE)])
    yield (
        "t51-dn-beside-san",
        shop.signed(head(), EVIL, authority().issue(MALLORY, key=shop.kind, subject=both)),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
