"""Settings are checked as a whole, and bad ones end with a line that names the setting."""

from pathlib import Path

import pytest

from app.mta.installation import BadSettings, Installation, load, read
from config import settings


def test_shipped_settings_are_good() -> None:
    assert read(vars(settings), {}).next_hop == "maildir:run/delivered"


def test_shipped_settings_are_the_defaults() -> None:
    shipped = {name: getattr(settings, name) for name in Installation.model_fields}
    # Only the host's name is filled in where it is empty.
    assert {k: v for k, v in shipped.items() if k != "hostname"} == {
        k: v for k, v in Installation().model_dump().items() if k != "hostname"
    }


def test_environment_overrides_a_setting() -> None:
    found = read(vars(settings), {"SEALMON_WORKERS": "3", "SEALMON_LANGUAGE": "en"})
    assert (found.workers, found.language) == (3, "en")


def test_other_environment_does_not_matter() -> None:
    assert read({}, {"SEALMON_CORPORA": "x", "WORKERS": "9"}).workers == 0


def test_direction_may_have_a_next_hop_of_its_own() -> None:
    found = read({}, {"SEALMON_NEXT_HOP_INBOUND": "lmtp://127.0.0.1:24"})
    assert (found.hop_inbound.protocol, found.hop_inbound.port) == ("lmtp", 24)
    assert found.hop_outbound.protocol == "maildir"


# T116: the AD bit is believed, so it must not have travelled
@pytest.mark.parametrize(
    ("value", "expected"),
    [("127.0.0.1:53", ("127.0.0.1", 53)), ("[::1]:5353", ("::1", 5353))],
)
def test_resolver_is_on_this_machine(value: str, expected: tuple[str, int]) -> None:
    assert read({}, {"SEALMON_RESOLVER": value}).resolver_address == expected


# T113: nobody inside is asked unless somebody says so
def test_guard_is_there_only_where_something_is_fetched() -> None:
    assert read({}, {"SEALMON_REVOCATION_FETCH": "off"}).guard is None
    guard = read({}, {}).guard
    assert guard is not None
    assert not guard.networks
    assert guard.ports == {80}


def test_owner_opens_a_network_of_his_own_by_name() -> None:
    guard = read({}, {"SEALMON_FETCH_NETWORKS": "10.1.0.0/16, fd12::/48 192.0.2.7"}).guard
    assert guard is not None
    assert list(map(str, guard.networks)) == ["10.1.0.0/16", "fd12::/48", "192.0.2.7/32"]
    assert guard.allows("10.1.2.3")
    assert not guard.allows("10.2.2.3")


def test_ports_and_a_proxy_are_of_both_fetchers() -> None:
    facts = {"fetch_ports": "80, 8080", "fetch_proxy": "http://proxy:3128", "issuer_fetch": "on"}
    found = read(facts, {})
    assert found.guard is not None
    assert found.issuers is not None
    assert found.guard == found.issuers.guard
    assert found.guard.ports == {80, 8080}
    assert found.guard.proxy == ("proxy", 3128)


# T113: by default nobody goes where a stranger says
@pytest.mark.parametrize(("value", "only_known"), [("off", None), ("known", True), ("on", False)])
def test_issuers_are_fetched_only_if_the_owner_says_so(value: str, only_known: bool | None) -> None:
    assert read({}, {}).issuers is None
    found = read({}, {"SEALMON_ISSUER_FETCH": value}).issuers
    assert (found.only_known if found else None) is only_known


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "mysql://localhost/x"),
        ("DATABASE", ""),
        ("MASTER_KEY", "run/keys/master.key"),
        ("LISTEN_LMTP", "127.0.0.1"),
        ("LISTEN_LMTP", "127.0.0.1:99999"),
        ("LISTEN_SMTP", "host name:25"),
        ("LISTEN_SUBMISSION", "127.0.0.1:587"),
        ("NEXT_HOP", "http://127.0.0.1"),
        ("NEXT_HOP", "smtp://127.0.0.1?tls=perhaps"),
        ("NEXT_HOP_OUTBOUND", "lmtp://"),
        ("WORKERS", "many"),
        ("WORKERS", "-1"),
        ("HOSTNAME", "not a host name"),
        ("HOSTNAME", "a\r\nb"),
        ("LANGUAGE", "fr"),
        ("MESSAGE_OCTETS", "10"),
        ("REVOCATION_FETCH", "perhaps"),
        ("ISSUER_FETCH", "always"),
        ("FETCH_NETWORKS", "pki.intern"),
        ("FETCH_NETWORKS", "10.1.2.3/16"),
        ("FETCH_NETWORKS", "0.0.0.0/0"),
        ("FETCH_NETWORKS", "10.1.0.0/16, ::/0"),
        ("FETCH_NETWORKS", "169.254.169.254"),
        ("FETCH_NETWORKS", "10.0.0.1 " * 65),
        ("FETCH_PORTS", ""),
        ("FETCH_PORTS", "http"),
        ("FETCH_PORTS", "80, 65536"),
        ("FETCH_PORTS", "0"),
        ("FETCH_PORTS", "80\u0663"),
        ("FETCH_PROXY", "proxy.nord.example"),
        ("FETCH_PROXY", "http://user:secret@proxy.nord.example:3128"),
        ("FETCH_PROXY", "https://proxy.nord.example:3128"),
        ("FETCH_PROXY", "http://proxy.nord.example:0"),
        ("RESOLVER", ""),
        ("RESOLVER", "127.0.0.1"),
        ("RESOLVER", "127.0.0.1:0"),
        ("RESOLVER", "127.0.0.1:99999999999"),
        ("RESOLVER", "localhost:53"),
        ("RESOLVER", "192.0.2.1:53"),
        ("RESOLVER", "0.0.0.0:53"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_bad_setting_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read({}, {f"SEALMON_{name}": value})
    assert str(refused.value).startswith(f"{name.lower()}: ")
    assert "\n" not in str(refused.value)


def test_settings_module_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALMON_SETTINGS_MODULE", "config.nothing")
    with pytest.raises(BadSettings, match=r"config\.nothing"):
        load()


def test_master_key_may_be_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read({}, {"SEALMON_MASTER_KEY": "credential:sealmon"})
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(BadSettings, match="CREDENTIALS_DIRECTORY"):
        _ = found.master_key_path
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/sealmon")
    assert found.master_key_path == Path("/run/credentials/sealmon/sealmon")


def test_there_is_always_a_next_hop() -> None:
    with pytest.raises(BadSettings, match="next_hop"):
        read({}, {"SEALMON_NEXT_HOP": ""})
    assert read({}, {"SEALMON_NEXT_HOP_INBOUND": ""}).hop_inbound.protocol == "maildir"
