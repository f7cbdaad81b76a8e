"""The Maildir as next hop: messages on disk, so that a newcomer sees results without an MTA.

One file per recipient, CRLF kept, Return-Path and Delivered-To on top. A file is written and synced
in ``tmp``, renamed into ``new``, and the folder is synced before anybody hears 250; a reader never
sees half a message.

After a crash: what is in ``tmp`` had no reply and may be removed; what is in ``new`` is whole.
"""

import errno
import itertools
import logging
import os
import re
import secrets
from pathlib import Path
from typing import Final

from app import clock
from app.mta import reply
from app.mta.reply import Reply

log = logging.getLogger("sealmon.maildir")

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_count = itertools.count()


def deliver(
    folder: str, reverse_path: str, recipients: tuple[str, ...], octets: bytes
) -> list[Reply]:
    """Write one file per recipient and return one reply per recipient. Blocks; raises nothing."""
    answers = [_deliver(Path(folder), reverse_path, one, octets) for one in recipients]
    if any(answer.relayed for answer in answers):
        log.info("delivered into the Maildir %s; set next_hop to hand mail to an MTA", folder)
    return answers


def _deliver(folder: Path, reverse_path: str, recipient: str, octets: bytes) -> Reply:
    try:
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        name = _name()
        draft = folder / "tmp" / name
        try:
            _write(draft, _header(reverse_path, recipient) + octets)
            draft.rename(folder / "new" / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(folder / "new")
    except OSError as problem:
        log.error("Maildir %s: %s", folder, os.strerror(problem.errno or 0))  # noqa: TRY400
        return reply.NO_SPACE if problem.errno in _FULL else reply.STEP_FAILED
    return reply.DELIVERED


def _name() -> str:
    """Return a name that no other delivery has, in any process (maildir(5))."""
    at = clock.now().timestamp()
    return f"{at:.6f}.P{os.getpid()}Q{next(_count)}R{secrets.token_hex(4)}.sealmon"


def _header(reverse_path: str, recipient: str) -> bytes:
    """Return the fields of final delivery (RFC 5321 §4.4)."""
    from_, to = (_CONTROL.sub("?", path) for path in (reverse_path, recipient))
    return f"Return-Path: <{from_}>\r\nDelivered-To: {to}\r\n".encode("utf-8", "replace")


def _write(path: Path, octets: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
