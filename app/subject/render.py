"""Put marks together and put them on.

What a mark says is decided by the finding, how it is arranged by the templates in
templates/subject, its words by the mark texts. Only the outer Subject is touched: the entity under
a signature stays octet for octet. behaviour.md B7, C5, D4; RFC 2047, RFC 6532 §3.2.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Protocol

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.mail.address import spelled_out
from app.mail.headers import decode_text, encode_text, join, split
from app.mail.limits import DECODE_OCTETS
from app.model.marks import ENCRYPTED, MarkTexts

__all__ = ["MarkTexts", "mark", "preview", "put_on"]

TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "subject"
NAMED_CHARACTERS: Final = 100  # of an address in a mark


class Signature(Protocol):
    """What a mark shows of a Finding."""

    @property
    def status(self) -> str: ...
    @property
    def signer(self) -> str: ...
    @property
    def domain(self) -> str: ...


class Opened(Protocol):
    """What a mark shows of a Decryption."""

    @property
    def status(self) -> str: ...


@cache
def _template(name: str) -> Template:
    environment = ImmutableSandboxedEnvironment(  # a subject is not HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
    )
    return environment.get_template(f"{name}.j2")


def mark(
    finding: Signature | None,
    decryption: Opened | None,
    texts: MarkTexts,
    display: str = "text",
    language: str = "",
    *,
    domain_mark: str = "add",
) -> str:
    """Return the mark for a message, "" for none.

    Display is text, symbol or none; the language is the installation's where none is given. The
    mark for encryption comes first, then that for the signature, one blank between. That of a
    domain stands behind the text for valid, or alone where domain_mark is replace (D4).
    """
    if display not in {"text", "symbol"}:
        return ""
    is_text = display == "text"
    encrypted = ""
    if decryption is not None and decryption.status == "decrypted":
        encrypted = texts.text(ENCRYPTED, language) if is_text else texts.symbol(ENCRYPTED)
    signature: list[str] = []
    if finding is not None:
        adds = domain_mark == "add"
        signature = [texts.symbol(finding.status)]
        if is_text:
            signature = _texts(finding, texts, language, adds=adds)
    return _rendered(display, encrypted, tuple(signature))


@lru_cache(maxsize=1024)
def _rendered(display: str, encrypted: str, signature: tuple[str, ...]) -> str:
    return _template(display).render(encrypted=encrypted, signature=list(signature)).strip()


def _texts(finding: Signature, texts: MarkTexts, language: str, *, adds: bool) -> list[str]:
    status = str(finding.status)
    statuses = [status]
    if status == "valid-domain" and adds:
        statuses = ["valid", status]
    address = shown_address(finding.signer) or texts.no_address(language)
    domain = shown_address(finding.domain)
    return [
        texts.text(key, language).replace("{address}", address).replace("{domain}", domain)
        for key in statuses
    ]


@lru_cache(maxsize=1024)
def shown_address(address: str) -> str:
    """Return an address as a mark may show it.

    It comes from a certificate that anybody may have made: nothing in it may end the mark, begin
    another, change the order in which the subject is shown, or be taken for the address in From.
    A long one is cut in the middle, because what it ends with says whose it is (T50, D7).
    """
    shown = spelled_out(address)
    if len(shown) <= NAMED_CHARACTERS:
        return shown
    half = (NAMED_CHARACTERS - 1) // 2
    return f"{shown[:half]}\N{HORIZONTAL ELLIPSIS}{shown[-half:]}"


def put_on(
    message: bytes, mark: str, *, base_subject: str | None = None, utf8: bool = False
) -> bytes:
    """Return the message with the mark at the very beginning of its Subject.

    The subject it stands before is that of the message, or base_subject, which must have been
    cleaned as well. Without a mark and a base_subject the same object is returned. A missing
    Subject is made. With utf8, for SMTPUTF8 transactions, the field is raw UTF-8, else encoded
    words.
    """
    if not mark and base_subject is None:
        return message
    parts = split(message)
    field = parts.headers.find("Subject")
    name = field.name if field and field.name.isascii() else "Subject"
    if base_subject is None and field and len(field.octets) > DECODE_OCTETS:
        # Too long to be read: the mark is put before the octets.
        octets = encode_text(name, f"{mark} ", utf8=utf8) + b" " + field.value.lstrip()
        return join(parts.headers.replace_first("Subject", octets), parts)
    if base_subject is None:
        base_subject = decode_text(field.value) if field else ""
    subject = _template("subject").render(mark=mark, subject=base_subject.lstrip())
    octets = encode_text(name, subject, utf8=utf8)
    return join(parts.headers.replace_first("Subject", octets), parts)


class _Sample:
    """A signature for previews."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.signer = "erika@example.org"
        self.domain = "example.com"


def preview(texts: MarkTexts, status: str, display: str = "text", language: str = "") -> str:
    """Return a subject as a reader will see it, marked for a status or "encrypted"."""
    opened = _Sample("decrypted") if status == ENCRYPTED else None
    finding = None if status == ENCRYPTED else _Sample(status)
    subject = "Angebot 42" if (language or texts.language) == "de" else "Offer 42"
    shown = mark(finding, opened, texts, display, language)
    return _template("subject").render(mark=shown, subject=subject)
