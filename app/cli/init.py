"""``sealmon init``: the database and the master key."""

import click

from app.cli.frame import Failed, Verb, wants_json
from app.cli.output import show_row
from app.cli.place import Place, pass_place


@click.command("init", cls=Verb)
@pass_place
def init(place: Place) -> None:
    """Create the database and the master key; refuses if there are."""
    if not place.prepare():
        raise Failed(f"{place.url}: there is a database already; nothing was changed")
    key = place.installation.master_key
    show_row(
        {"database": place.url, "master_key": key},
        as_json_=wants_json(),
        human=lambda: (
            f"Created {place.url}, sealed to {key}.\n"
            "Keep a copy of the master key away from the copies of the database.\n"
            "Next: sealmon domain add YOUR.DOMAIN"
        ),
    )
