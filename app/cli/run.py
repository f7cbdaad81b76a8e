"""``sealmon run``: from nothing to a running gateway, in the foreground.

The gateway itself is Salmon's: this makes what it needs, says what to do next and becomes
``salmon start``. Nothing here outlives that.
"""

import os
import sys

import click

from app.cli.frame import Failed, Verb
from app.cli.place import Place, pass_place
from app.model.domains import list_domains

_SALMON = "from salmon.commands import main; main()"


@click.command("run", cls=Verb)
@pass_place
def run(place: Place) -> None:
    """Run the gateway in the foreground; makes database and master key if there are none."""
    is_new = place.prepare()
    is_empty = not list_domains(place.database)
    for line in _what_next(place, is_new=is_new, is_empty=is_empty):
        click.echo(line)
    sys.stdout.flush()
    place.close()
    # The words after -c become the arguments of Salmon's own command.
    words = [sys.executable, "-c", _SALMON, "start", "--no-daemon"]
    try:
        os.execv(words[0], words)  # noqa: S606 - the interpreter we run in, and no words from outside
    except OSError as error:
        raise Failed(f"salmon cannot be started: {error.strerror}") from error


def _what_next(place: Place, *, is_new: bool, is_empty: bool) -> list[str]:
    facts = place.installation
    lines = [
        *([f"Made a new database, sealed to {facts.master_key}."] if is_new else []),
        f"Database   {place.url}",
        f"LMTP       {facts.listen_lmtp or 'not listened'}",
        f"SMTP       {facts.listen_smtp or 'not listened'}",
        f"Next hop   {facts.next_hop}",
        "",
    ]
    if is_empty:
        lines += [
            "No domain is managed yet, so mail is deferred with 451. In another terminal:",
            "  sealmon domain add YOUR.DOMAIN     whose mail this gateway answers for",
            "  sealmon key import FILE.p12        the keys that sign and decrypt",
            "  sealmon trust add ROOT.pem         whom you believe",
        ]
    lines += ["  sealmon check                      what is missing or weak", ""]
    return lines
