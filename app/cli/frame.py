"""What every verb has in common: ``--json``, the exit status and one line of bad news.

Status 0 is done, 1 is refused or failed with one line on stderr that says why and what to do, 2 is
wrong usage. This is the outer edge of the command, so it is the one place here that catches
everything: a person who mistypes a file name is not shown our insides.
"""

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from app.cli.output import printable

DONE = 0
FAILED = 1
WRONG_USAGE = 2

_JSON = "app.cli.json"
_SAID_CHARACTERS = 1_000
"""Of one line of bad news: it may repeat what somebody pasted by mistake."""
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF})


class Failed(click.ClickException):
    """One line that says why a verb was refused or failed, and what to do about it."""

    exit_code = FAILED


def wants_json() -> bool:
    """Return whether the person asked for JSON, before or after the verb's arguments."""
    context = click.get_current_context(silent=True)
    return bool(context is not None and context.meta.get(_JSON))


def _remember_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it
    if value:
        context.meta[_JSON] = True


def json_option() -> click.Option:
    """Return the option that every verb and every group of verbs takes."""
    return click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_remember_json,
        help="Print JSON.",
    )


class Verb(click.Command):
    """A verb: a click command that takes ``--json``."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **settings)
        self.params.append(json_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; wrong usage names this verb, which click forgets for an option."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Noun(click.Group):
    """A group of verbs; its modules are imported only when one of them is called."""

    command_class = Verb
    group_class = type

    def __init__(
        self,
        name: str,
        *,
        lazy: Mapping[str, str] | None = None,
        **settings: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(name, **settings)
        self.params.append(json_option())
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs by name."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one verb, importing its module on the first use."""
        if cmd_name in self.lazy:
            module, _, name = self.lazy[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        return super().get_command(ctx, cmd_name)


class Root(Noun):
    """The ``sealmon`` command itself: it turns every way to fail into a line and a status."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "sealmon",
        *_ignored: object,
        **_settings: object,
    ) -> NoReturn:
        """Run one command and leave the process with its status."""
        words = list(sys.argv[1:] if args is None else args)
        _ready_streams()
        try:
            super().main(words, prog_name=prog_name, standalone_mode=False)
            status = DONE
        except BaseException as error:  # noqa: BLE001 - the outer edge: see the module's docstring
            status, line = explain_failure(error)
            say(line)
        sys.exit(status)

    def invoke(self, ctx: click.Context) -> None:
        """Run the verb and flush what it printed, while bad news can still be told."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_stdout()
            raise Failed("nobody reads the output any more; it was not printed whole") from None
        except OSError as error:
            # Files are read and written elsewhere, with their names in the error.
            if type(error) is not OSError or error.filename or error.errno not in _CANNOT_WRITE:
                raise
            _close_stdout()
            raise Failed(
                f"the output cannot be written: {error.strerror}; what was asked for may be done"
                " all the same"
            ) from None


def explain_failure(error: BaseException) -> tuple[int, str]:
    """Return the exit status and the one line for whatever ended a command."""
    if isinstance(error, SystemExit):
        return (error.code if isinstance(error.code, int) else FAILED), ""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code, ""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return WRONG_USAGE, f"Missing command. See: {_command_of(error)} --help"
    if isinstance(error, click.UsageError):
        return WRONG_USAGE, _usage(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return FAILED, "interrupted; what was not yet reported as done was not done"
    return FAILED, _bad_news(error)


def _usage(error: click.UsageError) -> str:
    return f"{error.format_message().rstrip('.')}. See: {_command_of(error)} --help"


def _command_of(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx is not None else "sealmon"


def _bad_news(error: BaseException) -> str:
    is_ours = type(error).__module__.startswith("app.")
    if isinstance(error, OSError) and is_ours:
        return f"{error}; see the setting database, or try again"
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return f"{name}{error.strerror or error}"
    # By contract the named errors of our packages are one line that says why and what to do.
    if isinstance(error, ValueError) and is_ours:
        return str(error)
    return _bug(error)


def _bug(error: BaseException) -> str:
    if os.environ.get("SEALMON_DEBUG"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    return (
        f"this is a bug in sealmon ({type(error).__name__}{where}); "
        "please report it, SEALMON_DEBUG=1 shows more"
    )


def say(line: str) -> None:
    """Write one line to stderr, with nothing in it that a terminal would obey."""
    line = " ".join(line.split())
    if len(line) > _SAID_CHARACTERS:
        # What is wrong stands at its end.
        half = _SAID_CHARACTERS // 2
        line = f"{line[:half]} … {line[-half:]}"
    if line:
        click.echo(f"sealmon: {printable(line)}", err=True)


def _ready_streams() -> None:
    """Let every stream take what is printed, whatever it is and wherever it goes.

    One that was closed for us is as good as /dev/null, and must not become the first file that we
    open. One that knows only some characters gets the others as escapes.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            # `sealmon run` becomes another program, which wants them too.
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - its only name is positional
            setattr(sys, name, os.fdopen(descriptor, mode))
        elif mode == "w" and isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _close_stdout() -> None:
    # The interpreter flushes stdout once more when it ends, and would complain once more.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
