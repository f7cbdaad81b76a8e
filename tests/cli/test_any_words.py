"""Whatever is typed: a status of the three, at most one line of bad news, and never a bug."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app.cli.main import sealmon
from tests.cli.conftest import Command, installed, key_file
from tests.examples import examples
from tests.testpki import TestCA


def verbs(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield (*path, name), command


# `run` becomes another process; `init` is the only one that may make something of nothing.
VERBS = [(path, command) for path, command in verbs(sealmon) if path not in {("run",), ("init",)}]

ODD = st.sampled_from(
    [
        "",
        " ",
        ".",
        "-",
        "--",
        "\0",
        "\x1b[2J",
        "\udcff",
        "/dev/null",
        "/dev/zero",
        "absent",
        "alice@nord.example",
        "a@b@c",
        '"a b"@c.example',
        "@",
        "*@nord.example",
        "nord.example",
        "sued.example",
        "com",
        "xn--a.example",
        "süd.example",
        "127.0.0.1/32",
        "::1",
        "0.0.0.0/0",
        "fe80::1%lo",
        "1",
        "-1",
        "0",
        "9" * 30,
        "١",
        "valid",
        "[MARK]",
        "de",
        "symbol",
        "system-mail",
        "X-Header:a-long-enough-secret",
        "2026-01-31T12:00:00Z",
        "inbound",
        "outbound",
        "x" * 3000,
        "FILE:key",
        "FILE:letter",
        "FILE:password",
        "FILE:policy",
        "FILE:garbage",
    ]
)
WORDS = st.one_of(ODD, st.text(max_size=30))


@pytest.fixture(name="anywhere", scope="module")
def make_anywhere(tmp_path_factory: pytest.TempPathFactory, root: TestCA) -> Iterator[Command]:
    """One installation that every example goes on with; nothing that is typed may break it."""
    with pytest.MonkeyPatch.context() as patch:
        command = installed(tmp_path_factory.mktemp("anywhere"), patch)
        command.ok("init")
        command.ok("domain", "add", "nord.example")
        alice = root.issue("alice@nord.example")
        command.file("key", key_file(alice))
        command.ok("key", "import", command.folder / "key")
        command.file("letter", b"From: a@sued.example\r\nTo: alice@nord.example\r\n\r\nHello\r\n")
        command.file("password", b"a good password\n")
        command.file("policy", command.ok("policy", "export"))
        command.file("garbage", bytes(range(256)) * 40)
        patch.chdir(command.folder)
        yield command


@examples(300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_words_end_with_a_status_and_a_line(anywhere: Command, data: st.DataObject) -> None:
    path, command = data.draw(st.sampled_from(VERBS))
    words: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            many = 3 if parameter.nargs == -1 else 1
            words += data.draw(st.lists(WORDS, min_size=0 if many == 3 else 1, max_size=many))
        elif data.draw(st.booleans()):
            words.append(max(parameter.opts, key=len))
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                words.append(data.draw(WORDS))
    # Nothing may be written outside the folder of the test.
    words = ["out.file" if word.startswith("/") and "--out" in words else word for word in words]
    words = [str(anywhere.folder / word[5:]) if word[:5] == "FILE:" else word for word in words]
    result = anywhere.run(*path, *words, stdin=b"")
    assert result.exit_code in {0, 1, 2}
    assert "bug in sealmon" not in result.stderr, (path, words, result.stderr)
    assert "\x1b" not in result.output
    if path != ("try",):
        assert len(result.stderr.splitlines()) == (1 if result.exit_code else 0), result.stderr


def test_the_folder_is_whole_afterwards(anywhere: Command) -> None:
    assert isinstance(anywhere.ask("status"), dict)
    assert isinstance(anywhere.ask("check"), list)
    assert Path(anywhere.folder / "keys" / "master.key").exists()
