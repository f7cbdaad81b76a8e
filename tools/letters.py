"""The letters of the demo: what real mail programs send, in small."""

import base64
from dataclasses import dataclass
from email.header import Header

ALICE, BERND, CARLA = (f"{name}@nord.example" for name in ("alice", "bernd", "carla"))
PAUL, QUITTA, RITA = (f"{name}@sued.example" for name in ("paul", "quitta", "rita"))
DORA = "dora@gemeinde.example"
CLIENT = "kunde@ohne.example"

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Letter:
    """One message with its envelope."""

    title: str
    reverse_path: str
    recipients: tuple[str, ...]
    octets: bytes


def _lines(octets: bytes) -> str:
    text = base64.b64encode(octets).decode()
    return "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))


def _head(sender: str, to: str, subject: str, number: int) -> str:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
        f"Date: Tue, 24 Nov 2026 09:{number:02}:00 +0100\r\n"
        f"Message-ID: <demo-{number}@{sender.rpartition('@')[2].rstrip('>')}>\r\n"
        "MIME-Version: 1.0\r\n"
    )


def _pdf(octets: int) -> bytes:
    head, tail = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", b"\n%%EOF\n"
    # A linear congruential sequence: looks like compressed data, is the same on every run.
    filler, state = bytearray(), 1
    while len(filler) < octets - len(head) - len(tail):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        filler += state.to_bytes(8, "big")
    return head + bytes(filler) + tail


def plain() -> bytes:
    """Return a plain text of two lines, one of which begins with a dot."""
    return (
        _head(f"Alice <{ALICE}>", PAUL, "Lunch on Friday", 1)
        + "Content-Type: text/plain; charset=us-ascii\r\n\r\nAt noon?\r\n.. or later\r\n"
    ).encode()


def html() -> bytes:
    """Return HTML with a text alternative and a picture inside."""
    return (
        _head(f"Alice <{ALICE}>", PAUL, "Our new logo", 2)
        + 'Content-Type: multipart/related; boundary="rel"\r\n\r\n--rel\r\n'
        'Content-Type: multipart/alternative; boundary="alt"\r\n\r\n'
        "--alt\r\nContent-Type: text/plain\r\n\r\nSee the picture.\r\n"
        "--alt\r\nContent-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        '<p>Sch=C3=B6n: <img src=3D"cid:logo@nord.example"></p>\r\n--alt--\r\n'
        "--rel\r\nContent-Type: image/png\r\nContent-ID: <logo@nord.example>\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{_lines(PNG)}\r\n--rel--\r\n"
    ).encode()


def pdf() -> bytes:
    """Return a message with a PDF of one megabyte."""
    return (
        _head(f"Bernd <{BERND}>", PAUL, "Contract", 3)
        + 'Content-Type: multipart/mixed; boundary="mix"\r\n\r\n'
        "--mix\r\nContent-Type: text/plain\r\n\r\nPlease find it attached.\r\n"
        '--mix\r\nContent-Type: application/pdf; name="contract.pdf"\r\n'
        'Content-Disposition: attachment; filename="contract.pdf"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{_lines(_pdf(1_000_000))}\r\n--mix--\r\n"
    ).encode()


def umlauts() -> bytes:
    """Return a message with umlauts in subject and names."""
    subject = Header("Grüße aus dem Süden – Änderung der Öffnungszeiten", "utf-8").encode()
    sender = Header("Jürgen Müller", "iso-8859-1").encode()
    return (
        _head(f"{sender} <{PAUL}>", ALICE, subject.replace("\n", "\r\n"), 4)
        + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + _lines("Schöne Grüße\r\n".encode())
        + "\r\n"
    ).encode()


def eight_bit() -> bytes:
    """Return a message with raw 8-bit text and a line longer than 998 octets."""
    return (
        _head(f"Paul <{PAUL}>", ALICE, "Protokoll", 5)
        + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "Schöne Größe, naïve Übung. " * 60
        + "\r\nEnde  \r\n"
    ).encode()


def reply_to_marked() -> bytes:
    """Return a reply that carries our mark back in its subject."""
    return (
        _head(f"Paul <{PAUL}>", ALICE, "Re: [SIGNIERT] Lunch on Friday", 6)
        + "Thread-Topic: [SIGNIERT] Lunch on Friday\r\nContent-Type: text/plain\r\n\r\nYes!\r\n"
    ).encode()


def forged_mark() -> bytes:
    """Return a message from a stranger who marks it himself, in three scripts."""
    subject = Header("[ЅІGNІERT] [ＶＥＲＳＣＨＬÜＳＳＥＬＴ] Invoice due", "utf-8").encode()
    return (
        _head(f"Mallory <{CLIENT}>", ALICE, subject.replace("\n", "\r\n"), 7)
        + "Authentication-Results: gateway.nord.example; smime=pass\r\n"
        "X-Sealmon-Signature: valid\r\nContent-Type: text/plain\r\n\r\nPay here.\r\n"
    ).encode()


def blind_copy() -> bytes:
    """Return a message with a Bcc field, as careless clients leave it in."""
    return (
        _head(f"Alice <{ALICE}>", PAUL, "Quietly", 8)
        + f"Bcc: {QUITTA}\r\nContent-Type: text/plain\r\n\r\nNobody else shall know.\r\n"
    ).encode()


def invitation() -> bytes:
    """Return a calendar invitation, which Outlook cannot read inside a signature."""
    return (
        _head(f"Carla <{CARLA}>", PAUL, "Jour fixe", 9)
        + "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n"
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
        f"UID:1@nord.example\r\nORGANIZER:mailto:{CARLA}\r\nATTENDEE:mailto:{PAUL}\r\n"
        "DTSTART:20261201T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def two_recipients() -> bytes:
    """Return a message to somebody with a certificate and somebody without."""
    return (
        _head(f"Alice <{ALICE}>", f"{PAUL}, {CLIENT}", "For both of you", 10)
        + "Content-Type: text/plain\r\n\r\nOne of you can read this in secret.\r\n"
    ).encode()


def by_domain() -> bytes:
    """Return a message to a partner whose whole domain has one certificate."""
    return (
        _head(f"Alice <{ALICE}>", DORA, "To the town hall", 11)
        + "Content-Type: text/plain\r\n\r\nYour gateway opens this for you.\r\n"
    ).encode()


def from_domain() -> bytes:
    """Return a message from somebody for whom the domain signs."""
    return (
        _head(f"Dora <{DORA}>", CARLA, "From the town hall", 12)
        + "Content-Type: text/plain\r\n\r\nSealed by the town, not by me.\r\n"
    ).encode()


def letters() -> tuple[Letter, ...]:
    """Return all letters in the order in which they are sent."""
    return (
        Letter("plain text", ALICE, (PAUL,), plain()),
        Letter("HTML with inline picture", ALICE, (PAUL,), html()),
        Letter("PDF attachment of 1 MB", BERND, (PAUL,), pdf()),
        Letter("umlauts in headers", PAUL, (ALICE,), umlauts()),
        Letter("8-bit text, long line", PAUL, (ALICE,), eight_bit()),
        Letter("reply to a marked mail", PAUL, (ALICE,), reply_to_marked()),
        Letter("forged mark", CLIENT, (ALICE,), forged_mark()),
        Letter("Bcc", ALICE, (PAUL, QUITTA), blind_copy()),
        Letter("calendar invitation", CARLA, (PAUL,), invitation()),
        Letter("one has a certificate, one not", ALICE, (PAUL, CLIENT), two_recipients()),
        Letter("to a domain certificate", ALICE, (DORA,), by_domain()),
        Letter("from a domain certificate", DORA, (CARLA,), from_domain()),
    )
