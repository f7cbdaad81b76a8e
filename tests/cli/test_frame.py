import json
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from app.cli.frame import Failed, Noun, Root, Verb, wants_json
from app.cli.main import VERBS, sealmon
from tests.cli.conftest import Command


class NamedError(ValueError):
    """One of the errors that our own packages raise."""


NamedError.__module__ = "app.model.errors"

RAISED: dict[str, BaseException] = {
    "bug": KeyError("secret detail"),
    "named": NamedError("the domain is not managed;\n add it first"),
    "failed": Failed("no such key: 9; see sealmon key list"),
    "missing": FileNotFoundError(2, "No such file or directory", "keys.p12"),
    "interrupt": KeyboardInterrupt(),
    "abort": click.Abort(),
    "pipe": BrokenPipeError(32, "Broken pipe"),
    "recursion": RecursionError("deep"),
    "memory": MemoryError(),
}


@pytest.fixture(name="root")
def make_root() -> Root:
    root = Root("sealmon")
    noun = Noun("thing")
    root.add_command(noun)

    @noun.command("show")
    @click.argument("words", nargs=-1)
    @click.option("--count", type=int)
    def show(words: tuple[str, ...], count: int | None) -> None:
        click.echo(json.dumps([wants_json(), list(words)]))

    @noun.command("raise")
    @click.argument("what")
    def raise_(what: str) -> NoReturn:
        raise RAISED[what]

    return root


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "thing", "show", "a"],
        ["thing", "--json", "show", "a"],
        ["thing", "show", "--json", "a"],
        ["thing", "show", "a", "--json"],
    ],
)
def test_json_stands_before_or_after_the_arguments(root: Root, words: list[str]) -> None:
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [True, ["a"]]


def test_without_json_there_is_none(root: Root) -> None:
    assert json.loads(CliRunner().invoke(root, ["thing", "show"]).stdout) == [False, []]


def test_after_two_dashes_json_is_a_word(root: Root) -> None:
    result = CliRunner().invoke(root, ["thing", "show", "--", "--json"])
    assert json.loads(result.stdout) == [False, ["--json"]]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("named", "sealmon: the domain is not managed; add it first"),
        ("failed", "sealmon: no such key: 9; see sealmon key list"),
        ("missing", "sealmon: keys.p12: No such file or directory"),
        ("interrupt", "sealmon: interrupted; what was not yet reported as done was not done"),
        ("abort", "sealmon: interrupted; what was not yet reported as done was not done"),
    ],
)
def test_a_failure_is_one_line_and_status_one(root: Root, what: str, expected: str) -> None:
    result = CliRunner().invoke(root, ["thing", "raise", what])
    # click ends the line of the terminal's ^C.
    assert (result.exit_code, result.stdout, result.stderr.lstrip("\n")) == (1, "", expected + "\n")


@pytest.mark.parametrize("what", ["bug", "recursion", "memory"])
def test_a_bug_is_one_line_without_its_details(
    root: Root, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEALMON_DEBUG", raising=False)
    result = CliRunner().invoke(root, ["thing", "raise", what])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "bug in sealmon" in result.stderr
    assert "secret" not in result.stderr  # T132
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["thing", "shw"], "No such command 'shw'"),
        (["thing", "show", "--count", "many"], "'many' is not a valid integer"),
        (["thing", "show", "--colour"], "No such option"),
        (["thing", "raise"], "Missing argument 'WHAT'"),
        (["thing", "show", "--count"], "requires an argument. See: sealmon thing show --help"),
    ],
)
def test_wrong_usage_is_one_line_and_status_two(
    root: Root, words: list[str], expected: str
) -> None:
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert expected in result.stderr
    assert "--help" in result.stderr


def test_what_was_pasted_by_mistake_is_not_repeated_whole() -> None:
    root = Root("sealmon")

    @root.command("fail")
    @click.argument("word")
    def fail(word: str) -> None:
        raise Failed(f"{word}: no such thing")

    said = CliRunner().invoke(root, ["fail", "x" * 100_000]).stderr
    assert len(said) < 1_100
    assert said.endswith("xxx: no such thing\n")


def test_what_a_stranger_wrote_cannot_move_the_cursor() -> None:
    root = Root("sealmon")

    @root.command("fail")
    def fail() -> None:
        raise Failed("certificate of \x1b[2Jmallory")

    assert "\x1b" not in CliRunner().invoke(root, ["fail"]).stderr  # T131


def test_a_closed_pipe_is_one_line(root: Root) -> None:
    result = CliRunner().invoke(root, ["thing", "raise", "pipe"])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_can_be_loaded_and_explains_itself(name: str) -> None:
    result = CliRunner().invoke(sealmon, [name, "--help"])
    assert result.exit_code == 0, result.stderr
    assert "--json" in result.stdout


def test_every_verb_takes_json() -> None:
    def walk(command: click.Command) -> None:
        assert isinstance(command, (Verb, Noun))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                verb = command.get_command(context, name)
                assert verb is not None
                assert verb.help or verb.short_help
                walk(verb)

    walk(sealmon)


@pytest.mark.parametrize("words", [["key"], ["relay", "key"]])
def test_a_noun_without_a_verb_is_wrong_usage_in_one_short_line(
    command: Command, words: list[str]
) -> None:
    said = command.refused(*words, status=2)
    assert said == f"Missing command. See: sealmon {' '.join(words)} --help"
