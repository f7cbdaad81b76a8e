"""Reads what people give: files, passwords, times.

Every read is bounded, so that a device or a mistaken path cannot fill the memory; ``-`` is stdin.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli.frame import Failed
from app.model.errors import Refused

STORE_FILE_OCTETS = 10 * 2**20
"""Keys, certificates and policies: a ZIP of a thousand PKCS#12 files fits."""
PASSWORD_OCTETS = 4096
_ID_DIGITS = 18
"""The largest number of this many digits still fits the database's integer."""


class Moment(click.ParamType[datetime]):
    """A time as RFC 3339 has it, with its offset from UTC; the date alone is its first moment."""

    name = "time"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the moment, aware, UTC."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value).strip())
            return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time such as 2026-01-31T12:00:00Z", param, ctx)


MOMENT = Moment()


def read_octets(path: str, *, limit_octets: int = STORE_FILE_OCTETS) -> bytes:
    """Return the content of a file, or of stdin for ``-``.

    Raises Failed in one line where it cannot be read or is larger than limit_octets.
    """
    try:
        if path == "-":
            octets = sys.stdin.buffer.read(limit_octets + 1)
        else:
            with Path(path).open("rb") as stream:
                octets = stream.read(limit_octets + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise Failed(f"{path}: {reason}; give a file that can be read") from None
    if len(octets) > limit_octets:
        raise Failed(f"{path}: larger than {limit_octets // 2**20} MB; give a smaller file")
    return octets


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Put the file's name in front of why it was refused."""
    try:
        yield
    except Refused as error:
        raise Failed(f"{file}: {error}") from error


def write_octets(path: str, octets: bytes, *, secret: bool = False) -> None:
    """Write a new file, or to stdout for ``-``; a secret one is readable by its owner only.

    An existing file that holds a secret is never replaced: it may be somebody's only copy.
    """
    if path == "-":
        sys.stdout.buffer.write(octets)
        return
    try:
        if secret:
            file = Path(path)
            file.touch(mode=0o600, exist_ok=False)
            file.write_bytes(octets)
        else:
            Path(path).write_bytes(octets)
    except FileExistsError:
        raise Failed(f"{path}: exists and is not replaced; give another name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such folder"
        raise Failed(f"{path}: {reason}; give a place that can be written") from None


def read_text(path: str) -> str:
    """Return the text of a UTF-8 file; raises Failed where it is none."""
    try:
        return read_octets(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failed(f"{path}: not UTF-8 text; save it as UTF-8") from None


def read_password(path: str) -> str:
    """Return the first line of a file without its line end; the rest is left alone."""
    octets = read_octets(path, limit_octets=PASSWORD_OCTETS)
    try:
        return octets.decode("utf-8").split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise Failed(f"{path}: not UTF-8 text; save the password as UTF-8") from None


def ask_password(prompt: str, *, option: str, confirm: bool = False) -> str:
    """Ask for a password on the terminal; raises Failed, naming the option, where there is none."""
    if not sys.stdin.isatty():
        raise Failed(f"{prompt} is needed and there is no terminal to ask; use {option}")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def read_id(text: str, *, see: str) -> int:
    """Return the id of a row; raises Failed, naming the list, for what cannot be one."""
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS):
        raise Failed(f"there is no entry {text.strip() or repr(text)}: see {see}")
    return int(text)
