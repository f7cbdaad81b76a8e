"""What ``sealmon check`` says of stored certificates that this version cannot read."""

from collections.abc import Callable

from app.model.database import open_database
from tests.cli.conftest import Command
from tests.cli.test_check import found
from tests.testpki import TestCA, TestIdentity, pem


def test_certificate_that_cannot_be_read_is_named_with_its_remedy(
    command: Command, root: TestCA, issued: Callable[[str], TestIdentity]
) -> None:
    bob = issued("bob@sued.example")
    command.ok("partner", "import", command.file("bob.pem", bob.pem))
    command.ok("trust", "add", command.file("root.pem", pem(root.certificate)))
    assert "certificate-unreadable" not in found(command)
    url = command.ask("status")["database"]
    database = open_database(url)
    with database.change("settings", "partners"):
        for table in ("partner", "anchor"):
            database.sql_run(f"UPDATE {table} SET certificate = ?", (bob.certificate + b"\0",))
    database.close()
    row = found(command)["certificate-unreadable"]
    assert row["level"] == "wrong"
    lines = command.ok("check")
    assert "bob@sued.example" in lines
    assert "sealmon trust remove" in lines
    (anchor,) = command.ask("trust", "list")
    command.ok("trust", "remove", anchor["id"])
    (partner,) = command.ask("partner", "list")
    command.ok("partner", "list")
    command.ok("partner", "show", partner["id"])
    command.ok("partner", "remove", partner["id"])
    assert "certificate-unreadable" not in found(command)
