"""What a person or a script does to the streams of a command: whole processes, real descriptors."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.testpki import TestIdentity

pytestmark = pytest.mark.slow  # each is a process or several

ROOT = Path(__file__).parents[2]


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``sealmon`` is the command."""
    command = f'sealmon() {{ "{sys.executable}" -m app.cli "$@"; }}\n'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command + script],
        check=False,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        cwd=ROOT,
        timeout=60,
        env={**os.environ, **environment},
    )


def one_line(found: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of bad news, without the name of the command."""
    assert len(found.stderr.splitlines()) == 1, found.stderr
    assert "bug in sealmon" not in found.stderr
    return found.stderr.removeprefix("sealmon: ").rstrip("\n")


def test_a_closed_stdout_is_nowhere(command: Command) -> None:
    for verb in ("domain list --json", "domain add sued.example"):
        found = shell(f"sealmon {verb} >&-")
        assert (found.returncode, found.stdout, found.stderr) == (0, "", ""), verb
    assert len(command.ask("domain", "list")) == 2
    assert shell("sealmon partner show 99 2>&-").returncode == 1
    assert shell("sealmon domain add west.example >&- 2>&- <&-").returncode == 0
    assert len(command.ask("domain", "list")) == 3


def test_a_closed_stdin_is_empty(command: Command) -> None:
    found = shell("sealmon partner import - <&-")
    assert (found.returncode, one_line(found)) == (1, "-: the file is empty")


@pytest.mark.parametrize("verb", ["mark list", "domain add sued.example"])
def test_a_full_disk_is_one_line(command: Command, verb: str) -> None:
    found = shell(f"sealmon {verb} >/dev/full")
    assert found.returncode == 1
    assert one_line(found) == (
        "the output cannot be written: No space left on device; what was asked for may be done"
        " all the same"
    )


def test_a_reader_that_has_enough_is_no_bug(command: Command) -> None:
    found = shell("sealmon mark list | head -1; exit ${PIPESTATUS[0]}")
    assert found.stdout.startswith("STATUS")
    assert found.returncode in {0, 1}
    assert "bug" not in found.stderr
    assert len(found.stderr.splitlines()) == found.returncode


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_cannot_show_stands_as_its_number(command: Command, encoding: str) -> None:
    found = shell("sealmon mark list", PYTHONIOENCODING=encoding)
    assert (found.returncode, found.stderr) == (0, "")
    assert "\U0001f50f" in found.stdout or "\\U0001f50f" in found.stdout
    refused = shell("sealmon domain add '\u00e4 \U0001f50f'", PYTHONIOENCODING=encoding)
    assert refused.returncode == 1
    assert one_line(refused)


@pytest.mark.parametrize("variable", ["LANG", "LC_ALL"])
def test_no_locale_spoils_a_command(command: Command, variable: str) -> None:
    environment = {"LANG": "", "LC_ALL": "", variable: "C"}
    assert shell("sealmon domain add süd.example", **environment).returncode == 0
    assert "xn--sd-xka.example" in shell("sealmon domain list", **environment).stdout


def on_terminal(columns: int, *words: str) -> list[str]:
    """Return the lines that a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    size = {**os.environ, "COLUMNS": str(columns), "LINES": "24"}
    command = [sys.executable, "-m", "app.cli", *words]
    with subprocess.Popen(command, stdout=theirs, cwd=ROOT, env=size) as process:
        os.close(theirs)
        printed = b""
        # The end of a terminal is an error to whoever reads it.
        with contextlib.suppress(OSError):
            while octets := os.read(ours, 65536):
                printed += octets
        os.close(ours)
        assert process.wait(60) == 0
    return printed.decode().replace("\r\n", "\n").splitlines()


# A fingerprint is compared at night, on whatever screen there is.
def test_a_table_that_does_not_fit_is_a_block_for_each_row(
    command: Command, issued: Callable[[str], TestIdentity]
) -> None:
    for name in ("bob", "eve"):
        octets = issued(f"{name}@sued.example").pem
        command.ok("partner", "import", command.file(f"{name}.pem", octets))
    wide, narrow = (on_terminal(columns, "partner", "list") for columns in (200, 40))
    assert len(wide) == 3
    assert wide[0].startswith("ID ")
    assert narrow[:3] == [
        "id                     1",
        "name                   bob@sued.example",
        "status                 enabled",
    ]
    assert narrow.count("") == 1
    assert on_terminal(40, "pending", "list") == ["nothing"]
    assert len(shell("sealmon partner list", COLUMNS="40").stdout.splitlines()) == 3
