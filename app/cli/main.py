"""The list of all verbs; each noun has a module of its own, imported when it is called."""

from contextlib import closing
from typing import NoReturn

import click

from app.cli.frame import Root

VERBS = {
    "account": "app.cli.account:account",
    "check": "app.cli.check:check",
    "domain": "app.cli.domain:domain",
    "explain": "app.cli.offline:explain",
    "init": "app.cli.init:init",
    "key": "app.cli.key:key",
    "mark": "app.cli.mark:mark",
    "partner": "app.cli.partner:partner",
    "pending": "app.cli.pending:pending",
    "policy": "app.cli.policy:policy",
    "relay": "app.cli.relay:relay",
    "run": "app.cli.run:run",
    "status": "app.cli.status:status",
    "trace": "app.cli.trace:trace",
    "trust": "app.cli.trust:trust",
    "try": "app.cli.offline:try_",
}


@click.pass_context
def _enter(context: click.Context) -> None:
    """Give the verbs their installation; nothing is opened before a verb asks for it."""
    from app.cli.place import Place  # noqa: PLC0415 - help needs none of what it imports

    context.obj = context.with_resource(closing(Place()))


sealmon = Root(
    "sealmon",
    callback=_enter,
    lazy=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="""S/MIME for a whole organisation: sign, encrypt, decrypt, verify.

    Start with `sealmon run` (or `make run`); `sealmon check` says what is missing or weak.
    Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.""",
)


def main() -> NoReturn:
    """Run the command that the shell gave; the entry point of the package."""
    sealmon.main()
