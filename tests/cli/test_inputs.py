import io
import stat
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from app.cli import inputs
from app.cli.frame import Failed


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"absent: No such file or directory; give a file"):
        inputs.read_octets(str(tmp_path / "absent"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="Is a directory"):
        inputs.read_octets(str(tmp_path))


def test_a_path_with_a_nul_is_no_file() -> None:
    with pytest.raises(Failed, match="no such file"):
        inputs.read_octets("a\0b")


@pytest.mark.parametrize(("octets", "fits"), [(9, True), (10, True), (11, False)])
def test_reading_is_bounded(tmp_path: Path, octets: int, fits: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * octets)
    if fits:
        assert len(inputs.read_octets(str(file), limit_octets=10)) == octets
    else:
        with pytest.raises(Failed, match="larger than"):
            inputs.read_octets(str(file), limit_octets=10)


def test_an_endless_device_ends() -> None:
    with pytest.raises(Failed, match="larger than 1 MB"):
        inputs.read_octets("/dev/zero", limit_octets=2**20)


def test_text_must_be_utf8(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b'name = "M\xfcller"')
    with pytest.raises(Failed, match="not UTF-8"):
        inputs.read_text(str(file))


@pytest.mark.parametrize(
    ("octets", "password"),
    [
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret", "secret"),
        (b" two words \nsecond line\n", " two words "),
        ("gr\u00fc\u00df".encode(), "gr\u00fc\u00df"),
        (b"", ""),
    ],
)
def test_a_password_is_the_first_line_exactly(tmp_path: Path, octets: bytes, password: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(octets)
    assert inputs.read_password(str(file)) == password


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    with pytest.raises(Failed, match="use --password-file"):
        inputs.ask_password("The password", option="--password-file")


def test_a_secret_file_is_for_its_owner_and_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key.p12"
    inputs.write_octets(str(file), b"one", secret=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(Failed, match="exists and is not replaced"):
        inputs.write_octets(str(file), b"two", secret=True)
    assert file.read_bytes() == b"one"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="No such file or directory; give a place"):
        inputs.write_octets(str(tmp_path / "no" / "file"), b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31 12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_time_is_read(text: str, expected: datetime) -> None:
    assert inputs.MOMENT.convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.UsageError, match="is no time such as"):
        inputs.MOMENT.convert(text, None, None)
