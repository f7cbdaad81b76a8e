"""What ``sealmon check`` says of partners who are none."""

from collections.abc import Callable

from tests.cli.conftest import Command
from tests.cli.test_check import found
from tests.testpki import TestIdentity


# D2: own people as partners are refused, and yet they can be there: the book was first.
def test_our_own_people_in_the_book_are_weak(
    command: Command, issued: Callable[[str], TestIdentity]
) -> None:
    file = command.file("bob.pem", issued("bob@sued.example").pem)
    for name in ("bob@sued.example", "sued.example", "bob@west.example"):
        command.ok("partner", "import", file, "--for", name)
    assert "partner-of-ours" not in found(command)
    command.ok("domain", "add", "sued.example")
    report = found(command)["partner-of-ours"]
    assert (report["level"], report["about"]) == ("weak", "sued.example")
    assert report["what"].startswith("2 names of the partner book are of sued.example")
    for row in command.ask("partner", "list", "--domain", "sued.example"):
        command.ok("partner", "remove", row["id"])
    assert "partner-of-ours" not in found(command)
