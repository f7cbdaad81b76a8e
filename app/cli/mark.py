"""``sealmon mark``: what the subject says about a message.

A text must be recognised when it comes back in a reply, or anybody could put it there; one that the
cleaner would leave standing is refused here, because the cleaner stands above the store.
"""

import click

from app import clock
from app.cli.frame import Failed, Noun, wants_json
from app.cli.output import printable, show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import marktexts
from app.model.loading import load_marks
from app.model.marks import KEYS, LANGUAGES, MarkTexts
from app.subject.check import meaning_problem, symbol_problem, text_problem
from app.subject.render import preview as preview_mark

_COLUMNS = ("status", "language", "text", "own")

mark = Noun("mark", help="Mark texts and symbols.")


@mark.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the texts of each language and the symbols."""
    show_rows(marktexts.list_marks(place.database), _COLUMNS, as_json_=wants_json())


@mark.command("set")
@click.argument("status")
@click.argument("text")
@click.option("--language", metavar="de|en|symbol", help="By default the installation's.")
@pass_place
def set_(place: Place, status: str, text: str, language: str | None) -> None:
    """Set a text or symbol; {address} and {domain} are filled in, an empty one puts no mark on."""
    language = language or place.installation.language
    _check_cleanable(load_marks(place.database), status, text, language)
    row = marktexts.set_text(place.database, status, text, clock.now(), language=language)
    show_row(
        row,
        as_json_=wants_json(),
        human=lambda: f"{row['status']} ({row['language']}): {printable(row['text']) or 'no mark'}",
    )


def _check_cleanable(texts: MarkTexts, status: str, text: str, language: str) -> None:
    marktexts.check_text(status, text, language)
    is_symbol = language == marktexts.SYMBOL
    problem = symbol_problem(text, status, texts) if is_symbol else text_problem(text, texts)
    problem = problem or meaning_problem(status, text, texts, is_symbol=is_symbol)
    if problem:
        raise Failed(f"{text!r}: {problem}")


@mark.command("preview")
@click.option("--language", type=click.Choice(LANGUAGES), help="By default the installation's.")
@pass_place
def preview(place: Place, language: str | None) -> None:
    """Show each mark as a reader sees it, as text and as symbol."""
    language = language or place.installation.language
    texts = load_marks(place.database)
    rows = [
        {
            "id": status,
            "status": status,
            "text": preview_mark(texts, status, "text", language),
            "symbol": preview_mark(texts, status, "symbol", language),
        }
        for status in KEYS
    ]
    show_rows(rows, ("status", "text", "symbol"), as_json_=wants_json())
