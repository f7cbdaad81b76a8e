"""The Maildir: whole files or none, and 250 only for what is on disk."""

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.mta import maildir, reply
from app.mta.cargo import Cargo
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from tests.mta.servers import clear

MESSAGE = b"Subject: a\r\n\r\n.dot\r\n\xff\0\r\n"


def test_each_recipient_has_a_file_with_the_octets_under_two_fields(tmp_path: Path) -> None:
    recipients = ("Bob@sued.example", "bob@sued.example")
    answers = asyncio.run(
        Relay("gw.example").send(
            NextHop.parse(f"maildir:{tmp_path}/in"),
            "alice@nord.example",
            recipients,
            Cargo(MESSAGE, clear(*recipients)),
        )
    )
    assert answers == [reply.DELIVERED] * 2
    found = sorted(path.read_bytes() for path in (tmp_path / "in/new").iterdir())
    assert found == [
        b"Return-Path: <alice@nord.example>\r\nDelivered-To: " + one + b"\r\n" + MESSAGE
        for one in (b"Bob@sued.example", b"bob@sued.example")
    ]
    assert not list((tmp_path / "in/tmp").iterdir())
    assert (tmp_path / "in/cur").is_dir()


def test_null_reverse_path_is_written_as_such(tmp_path: Path) -> None:
    maildir.deliver(str(tmp_path), "", ("b@x",), MESSAGE)
    (path,) = (tmp_path / "new").iterdir()
    assert path.read_bytes().startswith(b"Return-Path: <>\r\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_address_cannot_become_a_field(tmp_path: Path) -> None:
    maildir.deliver(str(tmp_path), "a\r\nX: y", ("b\nY: z\ud800",), MESSAGE)
    (path,) = (tmp_path / "new").iterdir()
    assert path.read_bytes().split(b"\r\n\r\n")[0].count(b"\n") == 2


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.ENOSPC, reply.NO_SPACE),
        (errno.EDQUOT, reply.NO_SPACE),
        (errno.EIO, reply.STEP_FAILED),
        (errno.EROFS, reply.STEP_FAILED),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "open", "rename"])
def test_failure_of_any_step_is_temporary_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, answer: reply.Reply
) -> None:
    # T7, F10–F12

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    target: object = os if step == "fsync" else Path
    monkeypatch.setattr(target, step, fail)
    assert maildir.deliver(str(tmp_path), "", ("b@x",), MESSAGE) == [answer]
    monkeypatch.undo()
    assert not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "new").iterdir())


def test_folder_that_cannot_be_made_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert maildir.deliver(str(tmp_path / "file"), "", ("b@x",), b"")[0] == reply.STEP_FAILED


def test_failed_folder_sync_is_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(maildir, "_sync_folder", fail)
    assert maildir.deliver(str(tmp_path), "", ("b@x",), MESSAGE)[0].temporary


@pytest.mark.interop
def test_full_disk_is_insufficient_storage_until_there_is_room(tmp_path: Path) -> None:
    # F10, on a real file system of one megabyte.
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", tmp_path],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        large = b"x" * 700_000
        first, second = maildir.deliver(str(tmp_path), "", ("a@x", "b@x"), large)
        assert (first, second) == (reply.DELIVERED, reply.NO_SPACE)
        for path in (tmp_path / "new").iterdir():
            path.unlink()
        assert maildir.deliver(str(tmp_path), "", ("b@x",), large) == [reply.DELIVERED]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.interop
def test_reply_comes_after_file_and_folder_are_synced(tmp_path: Path) -> None:
    # threats 2.5: write < sync of the file < rename < sync of the folder.
    script = (
        "from app.mta import maildir\n"
        f"answer = maildir.deliver({str(tmp_path)!r}, '', ('b@x',), b'a\\r\\n')\n"
        "import os; os.write(1, str(answer[0]).encode())\n"
    )
    trace = tmp_path / "trace"
    subprocess.run(
        [
            "strace",
            "-f",
            "-y",
            "-o",
            trace,
            "-e",
            "trace=fsync,rename,write",
            sys.executable,
            "-c",
            script,
        ],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    steps = [
        line.split("(")[0].split()[-1]
        for line in trace.read_text().splitlines()
        if str(tmp_path) in line or '"250 ' in line
    ]
    assert steps == ["write", "fsync", "rename", "fsync", "write"]
