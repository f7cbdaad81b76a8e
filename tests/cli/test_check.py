import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from app import clock
from app.cli import inspect_store
from app.model.database import open_database
from app.model.revocations import RevocationStore
from app.model.stored import pack, stamp
from app.model.tables import Pending
from app.pki.certificate import Certificate
from app.pki.flights import Stored
from tests.cli.conftest import Command, key_file
from tests.testpki import TestCA, TestIdentity, ca

Issue = Callable[[str], TestIdentity]


def found(command: Command) -> dict[str, dict[str, str]]:
    """Return what check reports, by its kind."""
    return {row["id"]: row for row in command.ask("check")}


@pytest.fixture(name="sound")
def make_sound(
    command: Command, root: TestCA, issued: Issue, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """An installation of which nothing can be said."""
    monkeypatch.setenv("SEALMON_NEXT_HOP", "lmtp://127.0.0.1:24")
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    file = command.file("alice.pem", key_file(issued("alice@nord.example")))
    command.ok("relay", "key", "add", command.ask("key", "import", file)[0]["id"])
    command.ok("relay", "add", "192.0.2.10")
    return command


def test_a_sound_installation_has_nothing_to_report(sound: Command) -> None:
    assert sound.ask("check") == []
    assert "Nothing is wrong or weak." in sound.ok("check", "--fail")


def test_each_report_has_a_level_and_a_remedy(command: Command) -> None:
    rows = command.ask("check")
    assert rows
    for row in rows:
        assert set(row) == {"id", "level", "what", "remedy", "about"}
        assert row["what"]
        assert row["remedy"]
    levels = [row["level"] for row in rows]
    assert levels == sorted(levels, key=["wrong", "weak", "note"].index)


def test_a_missing_database_is_a_report(bare: Command) -> None:
    assert found(bare)["database"]["level"] == "wrong"


def test_bad_settings_are_a_report(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALMON_NEXT_HOP", "nonsense")
    assert "next_hop" in found(bare)["settings"]["what"]


def test_a_missing_domain_is_wrong(bare: Command) -> None:
    bare.ok("init")
    assert found(bare)["no-managed-domain"]["level"] == "wrong"
    result = bare.run("check", "--fail")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_a_maildir_as_next_hop_is_weak(sound: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALMON_NEXT_HOP_INBOUND", "maildir:/var/mail/here")
    assert [row["about"] for row in sound.ask("check")] == ["inbound"]


@pytest.mark.parametrize(
    ("hop", "is_weak"),
    [
        ("smtp://mx.nord.example:25?tls=none", True),
        ("smtp://mx.nord.example:25?tls=may", True),
        ("smtp://mx.nord.example:25?tls=verify", False),
        ("smtp://127.0.0.1:25?tls=none", False),
        ("lmtp:/var/run/lmtp", False),
    ],
)
def test_a_next_hop_without_tls_is_weak(
    sound: Command, monkeypatch: pytest.MonkeyPatch, hop: str, is_weak: bool
) -> None:
    monkeypatch.setenv("SEALMON_NEXT_HOP", hop)
    assert ("next-hop-tls" in found(sound)) == is_weak


def test_files_that_others_can_get_at_are_weak(sound: Command) -> None:
    (sound.folder / "sealmon.db").chmod(0o644)
    (sound.folder / "keys").chmod(0o755)
    assert set(found(sound)) == {"database-mode", "master-key-folder"}  # T134


@pytest.mark.parametrize("what", ["missing", "open", "other"])
def test_a_master_key_that_cannot_be_used_is_wrong(
    sound: Command, bare: Command, what: str
) -> None:
    file = sound.folder / "keys" / "master.key"
    if what == "open":
        file.chmod(0o640)
    else:
        file.unlink()
    if what == "other":
        from app.model.masterkey import create_master_key

        create_master_key(file)
    kind = "master-key-other" if what == "other" else "master-key"
    assert found(sound)[kind]["level"] == "wrong"


def test_wide_relays_are_weak(sound: Command) -> None:
    sound.ok("relay", "add", "198.51.0.0/16")
    assert "198.51.0.0/16" in found(sound)["wide-relay"]["what"]  # C8


def test_relays_and_their_keys_need_each_other(sound: Command) -> None:
    sound.ok("relay", "remove", "192.0.2.10/32")
    assert "relay-key-without-relay" in found(sound)
    sound.ok("relay", "add", "192.0.2.10")
    sound.ok("relay", "key", "remove", sound.ask("key", "list")[0]["id"])
    assert {"relay-without-key", "key-signs-nothing"} <= set(found(sound))


def test_an_account_needs_its_key_and_its_group(sound: Command) -> None:
    password = sound.file("password", "a good password")
    sound.ok("account", "add", "alice", "--password-file", password)
    sound.ok("account", "assign", "alice", sound.ask("key", "list")[0]["id"])
    assert "account-not-in-group" in found(sound)
    sound.ok("account", "add", "bernd", "--password-file", password)
    sound.ok("account", "group", "bernd", "system-mail")
    assert found(sound)["account-without-key"]["about"] == "bernd"


def test_keys_that_end_are_told(sound: Command, root: TestCA) -> None:
    now = clock.now()
    for name, days in (("ended", -1), ("ending", 10)):
        identity = root.issue(f"{name}@nord.example", not_after=now + timedelta(days=days))
        file = sound.file(f"{name}.pem", key_file(identity))
        sound.ok("relay", "key", "add", sound.ask("key", "import", file)[0]["id"])
    reports = found(sound)
    assert reports["key-expired"]["level"] == "wrong"
    assert "ended@nord.example" in reports["key-expired"]["what"]
    assert "ending@nord.example" in reports["key-ending"]["what"]


def test_a_key_without_a_path_is_weak(sound: Command) -> None:
    sound.ok("trust", "remove", sound.ask("trust", "list")[0]["id"])
    reports = found(sound)
    assert {"no-trust-anchor", "key-without-path"} == set(reports)


def test_a_self_signed_key_is_noted(sound: Command) -> None:
    key = sound.ask("key", "new", "--domain", "nord.example", "--kind", "ec-p256")["id"]
    sound.ok("domain", "key", "nord.example", key)
    assert set(found(sound)) == {"key-self-signed"}


def test_a_key_of_strangers_is_weak(sound: Command, issued: Issue) -> None:
    file = sound.file("eve.pem", key_file(issued("eve@west.example")))
    sound.ok("relay", "key", "add", sound.ask("key", "import", file)[0]["id"])
    assert set(found(sound)) == {"key-of-strangers"}


def test_a_key_of_several_owners_is_weak(sound: Command, root: TestCA, issued: Issue) -> None:
    twin = root.issue("bernd@nord.example", private=issued("alice@nord.example").key)
    file = sound.file("twin.pem", key_file(twin))
    sound.ok("relay", "key", "add", sound.ask("key", "import", file)[0]["id"])
    assert set(found(sound)) == {"shared-key"}  # T100


def test_a_domain_that_signs_needs_a_key(sound: Command) -> None:
    sound.ok("domain", "sign-to", "nord.example", "sued.example")
    assert found(sound)["domain-without-key"]["level"] == "wrong"


@pytest.mark.parametrize(
    ("name", "value", "kind", "level"),
    [
        ("decrypt", "off", "sign-without-decrypt", "wrong"),  # C1
        ("verify", "off", "policy-verify", "weak"),
        ("revocation", "off", "policy-revocation", "weak"),
        ("legacy_decrypt", "3des+rc2", "policy-legacy-decrypt", "weak"),
        ("harvest_approval", "never", "policy-harvest-approval", "weak"),
    ],
)
def test_a_policy_that_undoes_itself_is_told(
    sound: Command, name: str, value: str, kind: str, level: str
) -> None:
    route = f'[[route]]\nname = "odd"\nto = "(any)@(host)"\n{name} = "{value}"\n\n'
    file = sound.file("policy.toml", route + sound.ok("policy", "export"))
    sound.ok("policy", "apply", file)
    assert (found(sound)[kind]["level"], found(sound)[kind]["about"]) == (level, "odd")  # T137


def test_partners_that_end_and_wait_are_noted(sound: Command, root: TestCA) -> None:
    ending = root.issue("bob@sued.example", not_after=clock.now() + timedelta(days=10))
    sound.ok("partner", "import", sound.file("bob.pem", ending.pem))
    report = found(sound)["partners-ending"]
    words = report["remedy"].split()[1:]
    assert len(json.loads(sound.ok(*words, "--json"))) == 1


def test_the_only_certificate_of_a_partner_is_watched(sound: Command, root: TestCA) -> None:
    ending = root.issue("bob@sued.example", not_after=clock.now() + timedelta(days=10))
    (row,) = sound.ask("partner", "import", sound.file("bob.pem", ending.pem))
    assert "only-partner-ending" not in found(sound)
    sound.ok("partner", "only", row["id"])
    report = found(sound)["only-partner-ending"]
    assert (report["level"], report["about"]) == ("weak", str(row["id"]))
    assert "bob@sued.example" in report["what"]


# B5: key continuity
def test_a_partner_with_another_certificate_is_an_alarm(sound: Command, root: TestCA) -> None:
    database = open_database(f"sqlite:///{sound.folder}/sealmon.db")
    for code in ("no-path", "key-change"):
        assert "key-change" not in found(sound)
        certificate = Certificate.from_der(root.issue("bob@sued.example").certificate)
        values = {
            "address": "bob@sued.example",
            "fingerprint": certificate.fingerprint,
            "certificate": certificate.der,
            "reasons": pack([{"code": code, "text": "why"}]),
            "state": "waiting",
            "added_at": stamp(clock.now()),
        }
        database.insert(Pending, values)
    database.close()
    assert found(sound)["key-change"]["level"] == "weak"


# B2 step 6: "global limit with warning"
def test_a_full_book_and_a_full_queue_are_told(
    sound: Command, root: TestCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = root.issue("bob@sued.example")
    sound.ok("partner", "import", sound.file("bob.pem", bob.pem))
    assert {"book-full", "queue-full"}.isdisjoint(found(sound))
    monkeypatch.setattr(inspect_store, "BOOK_AT_MOST", 1)
    monkeypatch.setattr(inspect_store, "WAITING_AT_MOST", 0)
    assert found(sound)["book-full"]["level"] == found(sound)["queue-full"]["level"] == "weak"


def test_a_stranger_cannot_write_to_the_terminal_of_the_administrator(
    sound: Command, root: TestCA
) -> None:
    from tests.testpki import dn

    odd = root.issue((), subject=dn("\x1b[2Jodd"))
    sound.ok("key", "import", sound.file("odd.pem", key_file(odd)))
    for words in (("check",), ("key", "list"), ("status",)):
        assert "\x1b" not in sound.ok(*words)  # T131


def test_what_waits_is_noted(sound: Command, root: TestCA) -> None:
    row = sound.ask("key", "request", "carla@nord.example", "--kind", "ec-p256")
    assert "request-unanswered" not in found(sound)
    month = 31 * 86400 * 1_000_000
    database = open_database(f"sqlite:///{sound.folder}/sealmon.db")
    database.sql_run('UPDATE "key" SET added_at = added_at - ? WHERE id = ?', (month, row["id"]))
    waiting = Certificate.from_der(root.issue("bob@sued.example").certificate)
    values: dict[str, object] = {
        "address": "bob@sued.example",
        "fingerprint": waiting.fingerprint,
        "certificate": waiting.der,
        "state": "waiting",
        "added_at": stamp(clock.now()),
    }
    database.insert(Pending, values)
    database.close()
    assert set(found(sound)) == {"request-unanswered", "pending"}


def test_sources_of_revocation_data_that_fail_are_weak(sound: Command) -> None:
    database = open_database(f"sqlite:///{sound.folder}/sealmon.db")
    cache, at = RevocationStore(database), clock.now()
    cache.put("a", Stored(b"list", at, at + timedelta(days=1), "http://good.example/a.crl"))
    assert found(sound) == {}
    for number in range(22):
        cache.failed("k", f"http://bad{number}.example/\x1b", at, "the host answers 503")
    rows = sound.ask("check")
    assert [row["id"] for row in rows] == ["revocation-source"] * 20 + ["revocation-sources"]
    assert "503" in rows[0]["what"]
    assert rows[0]["about"] in rows[0]["what"]
    assert "\x1b" not in sound.ok("check")  # T131
    status = sound.ask("status")
    assert (status["revocation_answers"], status["revocation_failures"]) == (1, 22)


# T113
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("ISSUER_FETCH", "off", None),
        ("ISSUER_FETCH", "known", None),
        ("ISSUER_FETCH", "on", "issuer-fetch"),
        ("FETCH_NETWORKS", "10.1.0.0/16", None),
        ("FETCH_NETWORKS", "10.1.0.0/16 127.0.0.0/8", "fetch-networks"),
        ("FETCH_NETWORKS", "::1", "fetch-networks"),
    ],
)
def test_doors_that_stand_open_for_strangers_are_weak(
    sound: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str | None
) -> None:
    monkeypatch.setenv(f"SEALMON_{name}", value)
    told = {key: row["level"] for key, row in found(sound).items()}
    assert told == ({what: "weak"} if what else {})


def test_a_policy_that_needs_what_nobody_fetches_is_weak(
    sound: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALMON_REVOCATION_FETCH", "off")
    assert found(sound) == {}
    routes = sound.ok("policy", "export").replace('revocation = "soft"', 'revocation = "hard"')
    sound.ok("policy", "apply", sound.file("policy.toml", routes))
    assert set(found(sound)) == {"revocation-fetch"}
    monkeypatch.setenv("SEALMON_REVOCATION_FETCH", "on")
    assert found(sound) == {}


def test_a_key_that_cannot_sign_is_weak(sound: Command, root: TestCA) -> None:
    sealed = root.issue("bernd@nord.example", key="rsa2048", usage=("key_encipherment",))
    file = sound.file("bernd.pem", key_file(sealed))
    sound.ok("relay", "key", "add", sound.ask("key", "import", file)[0]["id"])
    assert set(found(sound)) == {"key-cannot-sign"}


def test_a_key_that_cannot_be_opened_is_wrong(sound: Command) -> None:
    (row,) = sound.ask("key", "list")
    database = open_database(f"sqlite:///{sound.folder}/sealmon.db")
    with database.change():
        database.sql_run('UPDATE "key" SET sealed = ?', (b"rubbish",))
    database.close()
    report = found(sound)["key-useless"]
    assert (report["level"], report["about"]) == ("wrong", row["id"])


def test_a_trust_anchor_that_ends_is_weak(sound: Command) -> None:
    soon = ca("Soon", not_after=clock.now() + timedelta(days=10))
    sound.ok("trust", "add", sound.file("soon.pem", soon.identity.pem))
    assert "ends on" in found(sound)["trust-anchor-ending"]["what"]


def test_a_host_without_a_domain_is_weak(sound: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALMON_HOSTNAME", "gateway")
    assert set(found(sound)) == {"hostname"}


def test_status_counts(sound: Command) -> None:
    row = sound.ask("status")
    assert row["domains"] == 1
    assert row["keys"] == {"active": 1}
    assert row["signing_keys"] == 1
    assert row["trust_anchors"] == 1
    assert row["messages_last_day"] == {"inbound": 0, "outbound": 0}
    assert "signing keys" in sound.ok("status")


# C8: what is believed of a host is believed of every MTA on it
@pytest.mark.parametrize(
    ("words", "expected"),
    [(["127.0.0.1/32"], True), (["127.0.0.1/32", "--xforward"], False), (["::1"], True)],
)
def test_an_own_host_that_is_believed_is_weak(
    sound: Command, words: list[str], expected: bool
) -> None:
    sound.ok("relay", "add", *words)
    assert ("own-host-believed" in found(sound)) is expected


def test_an_own_host_is_believed_while_nothing_goes_further(
    sound: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALMON_NEXT_HOP", "maildir:delivered")
    sound.ok("relay", "add", "127.0.0.1/32")
    assert "own-host-believed" not in found(sound)
