"""T119: what names a row is never a path, whoever wrote it."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import PASSWORD, Command
from tests.cli.test_any_words import VERBS
from tests.cli.test_key import p12
from tests.testpki import TestCA

PATHS = (
    "../outside/canary",
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "keys/master.key",
    "..\\outside\\canary",
    "%2e%2e%2foutside%2fcanary",
    "file:keys/master.key",
    "canary\0.pem",
    "~/.ssh/id_rsa",
    ".",
    "..",
)
# These take a path, which is the administrator's own word: `try` and whatever reads a FILE.
NAMING = [
    (path, command)
    for path, command in VERBS
    if any(isinstance(each, click.Argument) for each in command.params)
    and not any("file" in (each.name or "") for each in command.params if each.required)
    and path != ("explain",)
]
# A login is any text, and an address is any text with an @.
MAY_BE_TAKEN = {("account", "add"), ("account", "delegate")}


@pytest.fixture(name="inside")
def make_inside(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """An installation in whose folder we stand, with something beside it that is worth having."""
    monkeypatch.chdir(command.folder)
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "canary").write_text("a secret", "utf-8")
    command.file("password", PASSWORD)
    command.file("canary", "a secret")
    yield command
    assert (outside / "canary").read_text("utf-8") == "a secret"


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of the installation but the database, whose rows are seen to elsewhere."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file() and not each.name.startswith("sealmon.db")
    }


def test_there_are_verbs_that_name_rows() -> None:
    assert len(NAMING) > 25


@pytest.mark.parametrize(("path", "verb"), NAMING, ids=[" ".join(each[0]) for each in NAMING])
def test_no_name_of_a_row_is_taken_for_a_path(
    inside: Command, path: tuple[str, ...], verb: click.Command
) -> None:
    before = files(inside.folder)
    count = sum(isinstance(each, click.Argument) and each.required for each in verb.params)
    options = []
    for each in verb.params:
        if each.name in {"password_file", "out"}:
            options += [each.opts[0], "password" if each.name == "password_file" else "out.p12"]
    for text in PATHS:
        result = inside.run(*path, *options, "--", *[text] * max(1, count))
        assert result.exit_code in ({0, 1, 2} if path in MAY_BE_TAKEN else {1, 2}), text
        assert "bug in sealmon" not in result.stderr
        assert "a secret" not in result.output
    assert files(inside.folder) == before


def test_a_name_in_an_archive_is_no_path(inside: Command, root: TestCA) -> None:
    alice = root.issue("alice@nord.example")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, name in enumerate(PATHS):
            archive.writestr(f"{name}{number}" if name.strip(".") else name, p12(alice))
    keys = inside.file("keys.zip", packed.getvalue())
    before = files(inside.folder)
    result = inside.run("key", "import", keys, "--password-file", "password")
    assert result.exit_code in {0, 1}
    assert files(inside.folder) == before
