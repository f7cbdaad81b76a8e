"""A real Postfix of our own for the tests: its own folder, its own ports, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tools.organisation import free_port

SBIN = Path("/usr/sbin")


def missing() -> str:
    """Return why no Postfix can be started here, "" if one can."""
    if not (SBIN / "postfix").exists():
        return "Postfix is not installed: apt-get install postfix"
    if os.geteuid() != 0:
        return "Postfix can only be started by root"
    return ""


class Postfix:
    """One Postfix with a queue, a content filter by LMTP, and Maildirs behind it.

    Mail to ``entry_port`` is queued and goes through the filter; mail to ``exit_port`` comes back
    from it and is delivered to a Maildir per recipient.
    """

    def __init__(self, folder: Path, domains: tuple[str, ...], **main: str) -> None:
        self.folder = folder
        self.entry_port, self.exit_port = free_port(), free_port()
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": f"{folder}/queue",
            "data_directory": f"{folder}/data",
            "maillog_file": f"{folder}/maillog",
            "maillog_file_prefixes": str(folder),
            "mail_owner": "postfix",
            "myhostname": "mx.nord.example",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks,reject",
            "local_recipient_maps": "",
            "virtual_mailbox_domains": " ".join(domains),
            "virtual_mailbox_base": f"{folder}/mail",
            "virtual_minimum_uid": "1",
            "virtual_uid_maps": f"static:{pwd.getpwnam('postfix').pw_uid}",
            "virtual_gid_maps": f"static:{pwd.getpwnam('postfix').pw_gid}",
            "message_size_limit": "0",
            "virtual_mailbox_limit": "0",
            "minimal_backoff_time": "2s",
            "maximal_backoff_time": "10s",
            "queue_run_delay": "2s",
            "lmtp_send_xforward_command": "yes",
            "lmtp_destination_recipient_limit": "50",
            "smtpd_authorized_xforward_hosts": "127.0.0.0/8",
            **main,
        }

    def filter_through(self, lmtp_port: int) -> None:
        """Let everything that enters pass this LMTP server."""
        self.settings["entry_filter"] = f"lmtp:inet:127.0.0.1:{lmtp_port}"

    def mailboxes(self, *addresses: str) -> None:
        """Make these the addresses for which there is a Maildir."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{address} {address.partition('@')[0]}/\n" for address in addresses)
        (self.folder / "mailboxes").write_text(lines)
        self.settings["virtual_mailbox_maps"] = f"texthash:{self.folder}/mailboxes"

    def _write(self) -> None:
        for name in ("queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("data", "mail"):
            shutil.chown(self.folder / name, "postfix", "postfix")
        self.folder.chmod(0o755)
        filtered = self.settings.pop("entry_filter", "")
        (self.folder / "main.cf").write_text(
            "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        )
        unchecked = "receive_override_options=no_unknown_recipient_checks,no_header_body_checks"
        services = [
            f"127.0.0.1:{self.entry_port} inet n - n - - smtpd -o content_filter={filtered}",
            f"127.0.0.1:{self.exit_port} inet n - n - - smtpd -o content_filter= -o {unchecked}",
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "flush unix n - n 1000? 0 flush",
            "proxymap unix - - n - - proxymap",
            "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp",
            "lmtp unix - - n - - lmtp",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "discard unix - - n - - discard",
            "local unix - n n - - local",
            "virtual unix - n n - - virtual",
            "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache",
            "postlog unix-dgram n - n - 1 postlogd",
        ]
        (self.folder / "master.cf").write_text("\n".join(services) + "\n")

    def __enter__(self) -> Self:
        self._write()
        self._postfix("start")
        return self

    def __exit__(self, *exception: object) -> None:
        self._postfix("stop")

    def _postfix(self, verb: str) -> None:
        subprocess.run(
            [SBIN / "postfix", "-c", self.folder, verb],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def flush(self) -> None:
        """Try everything in the queue now."""
        self._postfix("flush")

    def log(self) -> str:
        """Return what it has logged."""
        file = self.folder / "maillog"
        return file.read_text(errors="replace") if file.exists() else ""

    def maildir(self, user: str) -> list[bytes]:
        """Return what lies in the Maildir of a user."""
        new = self.folder / "mail" / user / "new"
        return [file.read_bytes() for file in sorted(new.iterdir())] if new.is_dir() else []

    def wait_for(self, user: str, count: int, seconds: float = 60) -> list[bytes]:
        """Return the mail of a user as soon as there are so many messages."""
        deadline = time.monotonic() + seconds
        while len(found := self.maildir(user)) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(found)} of {count} messages arrived:\n{self.log()}")
            time.sleep(0.1)
        return found

    def queue(self) -> int:
        """Return how many messages wait in the queue."""
        return sum(
            len(list((self.folder / "queue" / name).rglob("*[0-9A-F]")))
            for name in ("active", "deferred", "incoming")
            if (self.folder / "queue" / name).is_dir()
        )
