"""``sealmon check`` asks the sources that policy names."""

import re

import dns.flags
import dns.rcode
import pytest

from app.mta import lookup_smimea
from tests.cli.conftest import Command
from tests.mta.ldapserver import DONE, Scripted, done
from tests.mta.test_lookup_smimea import Liar
from tests.slapd import BASE
from tools.organisation import free_port


def found(command: Command, *sources: str) -> list[str]:
    """Return what check says of these sources."""
    policy = re.sub("lookup = .*", f"lookup = {list(sources)}", command.ok("policy", "export"))
    command.ok("policy", "apply", command.file("policy.toml", policy.encode()))
    rows = [row for row in command.ask("check") if row["id"] == "lookup-source"]
    assert all(row["level"] == "wrong" for row in rows)
    assert [row["about"] for row in rows] == [each for each in sources if each in str(rows)]
    return [row["what"] for row in rows]


def test_a_directory_that_answers_is_sound(command: Command) -> None:
    with Scripted([DONE]) as good, Scripted([done(49)]) as bad:
        assert found(command, f"ldap://127.0.0.1:{good.port}/{BASE}") == []
        (what,) = found(command, f"ldap://127.0.0.1:{bad.port}/{BASE}")
        assert "invalidCredentials" in what
    (what,) = found(command, f"ldap://127.0.0.1:{free_port()}/{BASE}")
    assert "no answer" in what


@pytest.mark.parametrize(
    ("flags", "rcode", "said"),
    [
        (dns.flags.AD, dns.rcode.NOERROR, ""),
        (0, dns.rcode.NOERROR, "does not validate"),
        (dns.flags.AD, dns.rcode.SERVFAIL, "does not validate"),
    ],
)
def test_a_resolver_must_validate(
    command: Command, monkeypatch: pytest.MonkeyPatch, flags: int, rcode: int, said: str
) -> None:
    monkeypatch.setattr(lookup_smimea, "SECONDS", 60.0)
    with Liar(flags=flags, rcode=rcode) as liar:
        monkeypatch.setenv("SEALMON_RESOLVER", f"127.0.0.1:{liar.at[1]}")
        what = found(command, "smimea")
    assert len(what) == bool(said)
    assert said in "".join(what)


@pytest.mark.slow
def test_a_resolver_that_is_not_there_is_said(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALMON_RESOLVER", f"127.0.0.1:{free_port()}")
    (what,) = found(command, "smimea")
    assert "no answer" in what
