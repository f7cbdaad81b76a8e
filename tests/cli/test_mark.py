import pytest

from tests.cli.conftest import Command


def test_the_marks_of_both_languages_and_the_symbols_are_listed(command: Command) -> None:
    marks = {row["id"]: row["text"] for row in command.ask("mark", "list")}
    assert marks["valid.de"] == "[SIGNIERT]"
    assert marks["valid.en"] == "[SIGNED]"
    assert marks["valid.symbol"] == "🔏"
    assert "[SIGNIERT]" in command.ok("mark", "list")


def test_a_text_is_set_and_previewed(command: Command) -> None:
    row = command.ask("mark", "set", "valid", "[GEPRÜFT {address}]")
    assert (row["id"], row["own"]) == ("valid.de", True)
    shown = {row["id"]: row["text"] for row in command.ask("mark", "preview")}
    assert shown["valid"] == "[GEPRÜFT erika@example.org] Angebot 42"
    assert "Offer 42" in command.ok("mark", "preview", "--language", "en")


def test_a_text_may_be_empty(command: Command) -> None:
    assert "no mark" in command.ok("mark", "set", "untrusted", "")


@pytest.mark.parametrize("symbol", ["✅", "🔏", "☑️", "☑", "⭐", "👍🏽", "🧑\u200d⚖"])
def test_a_symbol_is_set(command: Command, symbol: str) -> None:
    assert command.ask("mark", "set", "valid", symbol, "--language", "symbol")["text"] == symbol


# A mark that readers trust must not stand for anything else.
@pytest.mark.parametrize(
    ("words", "whose"),
    [
        (("encrypted", "[SIGNIERT]"), "valid"),
        (("invalid", "[Signiert]"), "valid"),
        (("untrusted", "(SIGNED)"), "valid"),
        (("valid-other", "[SIGNIERT VON <*@{domain}>]"), "valid-domain"),
        (("valid", "[VERSCHLÜSSELT]"), "encrypted"),
        (("valid", "[SIGNATUR UNGÜLTIG]"), "invalid"),
        (("valid", "[SIGNED BY SOMEBODY ELSE {address}]"), "valid-other"),
        (("encrypted", "🔏", "--language", "symbol"), "valid"),
        (("valid", "🔐", "--language", "symbol"), "encrypted"),
        (("valid", "⚠", "--language", "symbol"), "valid-other"),
        (("invalid", "🔏\ufe0f", "--language", "symbol"), "valid"),
    ],
)
def test_no_mark_looks_like_one_of_another_meaning(
    command: Command, words: tuple[str, ...], whose: str
) -> None:
    line = command.refused("mark", "set", *words)
    assert line.endswith(f"readers would take it for the mark of {whose}")


def test_marks_of_one_meaning_may_look_alike(command: Command) -> None:
    command.ok("mark", "set", "valid-domain", "[SIGNIERT]")
    command.ok("mark", "set", "unsupported", "[SIGNATUR UNGÜLTIG]")
    command.ok("mark", "set", "invalid", "⚠", "--language", "symbol")
    command.ok("mark", "set", "valid", "[SIGNIERT]")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("perfect", "[X]"), "perfect: no such mark; there are valid"),
        (("valid", "[X]", "--language", "fr"), "fr: no such language"),
        (("valid", "SIGNED"), "a mark stands in brackets"),
        (("valid", "{subject}"), "{subject}"),
        (("valid", "[a\nb]"), "no line ends"),
        (("valid", "[" + "x" * 200 + "]"), "xxx"),
        (("valid", "ab", "--language", "symbol"), "no symbol"),
        # Each of these would be cut out of every subject.
        (("valid", "z", "--language", "symbol"), "no symbol"),
        (("valid", "é", "--language", "symbol"), "no symbol"),
        (("valid", "7", "--language", "symbol"), "no symbol"),
        (("valid", "+", "--language", "symbol"), "no symbol"),
        (("valid", "€", "--language", "symbol"), "no symbol"),
        (("valid", "!", "--language", "symbol"), "no symbol"),
        (("valid", "✅x", "--language", "symbol"), "no symbol"),
        (("valid", "\u200d", "--language", "symbol"), "no symbol"),
        (("valid", "[Re]"), "begins with 3 letters"),
        (("valid", "[{address}]"), "begins with 6 letters"),
        (("valid", "[SIGNIERT] {address}"), "nothing may stand outside"),
        (("valid", "[a {{address}} b]"), "only {address} and {domain}"),
        (("valid", "[a {address.local}]"), "only {address} and {domain}"),
        (("valid", "[=?utf-8?q?x?=]"), "encoded word"),
    ],
)
def test_a_text_that_could_not_be_cleaned_again_is_refused(
    command: Command, words: tuple[str, ...], expected: str
) -> None:
    assert expected in command.refused("mark", "set", *words)
