"""Authoritative and resolving name servers of our own: nsd with zones, unbound that validates.

``Zones({"sued.example.": [(owner, "SMIMEA 3 0 0 …")]}, signed=…)`` serves the zones; unbound
gets the keys of the signed ones as trust anchors. Everything lives in one folder and on free ports.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm, DSDigest

from tools.organisation import free_port

INSTALL = "apt-get install nsd unbound"
_SECONDS = 60

Records = Sequence[tuple[str, str]]
"""Owner and record, as in a zone file."""


def programs() -> tuple[str, str] | None:
    """Return the paths of nsd and unbound, None if one is not installed."""
    found = [shutil.which(each, path="/usr/sbin:/usr/bin") for each in ("nsd", "unbound")]
    return (found[0], found[1]) if found[0] and found[1] else None


class Zones:
    """Serves zones as long as the block; ``resolver`` validates those that are signed."""

    def __init__(
        self, zones: Mapping[str, Records], *, signed: Sequence[str], forged: Sequence[str] = ()
    ) -> None:
        self._zones = zones
        self._signed = signed
        self._forged = forged
        self._folder = Path(tempfile.mkdtemp(prefix="sealmon-dns-"))
        self._authority = free_port()
        self.resolver = ("127.0.0.1", free_port())
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        anchors = [anchor for name in self._zones for anchor in self._write(name)]
        found = programs()
        assert found is not None
        (self._folder / "nsd.conf").write_text(self._nsd())
        (self._folder / "unbound.conf").write_text(self._unbound(anchors))
        try:
            self._start([found[0], "-d", "-c", str(self._folder / "nsd.conf")])
            self._wait(self._authority)
            self._start([found[1], "-d", "-c", str(self._folder / "unbound.conf")])
            self._wait(self.resolver[1])
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the servers and forget their files."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, name: str) -> list[str]:
        """Write the file of a zone and return its trust anchor, if it is signed."""
        origin = dns.name.from_text(name)
        lines = [f"{name} 60 IN SOA ns.{name} root.{name} 1 3600 600 86400 60"]
        lines += [f"{name} 60 IN NS ns.{name}", f"ns.{name} 60 IN A 127.0.0.1"]
        lines += [f"{owner} 60 IN {record}" for owner, record in self._zones[name]]
        zone = dns.zone.from_text("\n".join(lines), origin, relativize=False)
        anchors = self._sign(zone, origin) if name in self._signed else []
        text = zone.to_text(relativize=False)
        if name in self._forged:
            text = text.replace(" SMIMEA 3 0 0 30", " SMIMEA 3 0 0 31")
        (self._folder / f"{name}zone").write_text(f"{text}\n")
        return anchors

    def _sign(self, zone: dns.zone.Zone, origin: dns.name.Name) -> list[str]:
        private = ec.generate_private_key(ec.SECP256R1())
        algorithm = Algorithm.ECDSAP256SHA256
        key = dns.dnssec.make_dnskey(private.public_key(), algorithm, flags=257)
        now = datetime.now(UTC)
        with zone.writer() as writer:
            dns.dnssec.sign_zone(
                zone,
                txn=writer,
                keys=[(private, key)],
                inception=now - timedelta(days=1),
                expiration=now + timedelta(days=1),
                add_dnskey=True,
                dnskey_ttl=60,
            )
        digest = dns.dnssec.make_ds(origin, key, DSDigest.SHA256)
        return [f"{origin} IN DS {digest}"]

    def _nsd(self) -> str:
        zones = "".join(f"zone:\n  name: {name}\n  zonefile: {name}zone\n" for name in self._zones)
        return (
            f'server:\n  ip-address: 127.0.0.1@{self._authority}\n  username: ""\n'
            f'  zonesdir: {self._folder}\n  database: ""\n  pidfile: {self._folder}/nsd.pid\n'
            f"  xfrdfile: {self._folder}/xfrd\n  zonelistfile: {self._folder}/list\n"
            f"  xfrdir: {self._folder}\n  logfile: {self._folder}/nsd.log\n"
            f"remote-control:\n  control-enable: no\n{zones}"
        )

    def _unbound(self, anchors: Sequence[str]) -> str:
        host, port = self.resolver
        lines = [
            "server:",
            f"  interface: {host}",
            f"  port: {port}",
            f"  directory: {self._folder}",
            f"  pidfile: {self._folder}/unbound.pid",
            f"  logfile: {self._folder}/unbound.log",
            '  username: ""',
            '  chroot: ""',
            "  use-syslog: no",
            "  do-ip6: no",
            "  do-daemonize: no",
            "  do-not-query-localhost: no",
            '  module-config: "validator iterator"',
            # unbound answers for the names of documentation itself.
            '  local-zone: "example." nodefault',
            '  local-zone: "test." nodefault',
            *(f'  trust-anchor: "{anchor}"' for anchor in anchors),
            *(f'  domain-insecure: "{name}"' for name in self._zones if name not in self._signed),
            "remote-control:",
            "  control-enable: no",
        ]
        for name in self._zones:
            lines += ["stub-zone:", f"  name: {name}", f"  stub-addr: 127.0.0.1@{self._authority}"]
        return "\n".join(lines) + "\n"

    def _start(self, command: Sequence[str]) -> None:
        self._processes.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )

    def _wait(self, port: int) -> None:
        """Wait until a server answers."""
        query = dns.message.make_query(next(iter(self._zones)), dns.rdatatype.SOA)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                dns.query.udp(query, "127.0.0.1", 1, port)
            except (OSError, dns.exception.DNSException):
                assert time.monotonic() < deadline, self._logs()
                time.sleep(0.05)
            else:
                return

    def _logs(self) -> str:
        return "\n".join(each.read_text() for each in self._folder.glob("*.log"))
