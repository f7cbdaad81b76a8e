"""A slapd of our own for the tests: its own folder and ports, gone afterwards."""

import base64
import ipaddress
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509

from tests.testpki import TestCA, ca, pem
from tools.organisation import free_port

INSTALL = "apt-get install slapd"
BASE = "dc=sued,dc=example"
TLS_ROOT = ca("Directory Root")

_LDIF = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: sued
o: Süd

"""
_CONFIG = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCACertificateFile {folder}/root.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{base}"
directory {folder}/data
access to * by * read
"""


def program() -> str | None:
    """Return the server's path, None if it is not installed."""
    return shutil.which("slapd", path="/usr/sbin:/usr/bin:/usr/libexec")


@dataclass(frozen=True)
class Person:
    """An entry of the directory."""

    name: str
    mails: Sequence[str]
    certificates: Sequence[bytes] = ()
    bags: Sequence[bytes] = field(default=())
    """userSMIMECertificate."""

    def ldif(self) -> str:
        lines = [
            f"dn:: {_base64(f'cn={self.name},{BASE}'.encode())}",
            "objectClass: inetOrgPerson",
            f"cn:: {_base64(self.name.encode())}",
            "sn: x",
        ]
        lines += [f"mail:: {_base64(mail.encode())}" for mail in self.mails]
        lines += [f"userCertificate;binary:: {_base64(each)}" for each in self.certificates]
        lines += [f"userSMIMECertificate:: {_base64(each)}" for each in self.bags]
        return "\n".join(lines) + "\n\n"


def referral(name: str, url: str) -> str:
    """Return an entry that only says who knows more."""
    return (
        f"dn: cn={name},{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\n"
        f"cn: {name}\nref: {url}\n\n"
    )


class Directory:
    """A server with these people that runs as long as the block, on 127.0.0.1."""

    def __init__(
        self, people: Sequence[Person], more: str = "", *, tls: TestCA = TLS_ROOT, name: str = ""
    ) -> None:
        self._ldif = _LDIF + "".join(each.ldif() for each in people) + more
        self._folder = Path(tempfile.mkdtemp(prefix="sealmon-slapd-"))
        self._tls = tls
        self._name = name
        self.plain, self.secure = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        san = x509.SubjectAlternativeName([x509.DNSName(self._name) if self._name else address])
        server = self._tls.issue((), san=san, extended=("server_auth",))
        (self._folder / "data").mkdir()
        (self._folder / "root.pem").write_bytes(pem(self._tls.root))
        (self._folder / "server.pem").write_bytes(server.pem)
        (self._folder / "server.key").write_bytes(server.key_pem)
        config = self._folder / "slapd.conf"
        config.write_text(_CONFIG.format(folder=self._folder, base=BASE))
        (self._folder / "people.ldif").write_text(self._ldif, "utf-8")
        slapd = program()
        assert slapd is not None
        self._run([slapd, "-T", "add", "-f", str(config), "-l", str(self._folder / "people.ldif")])
        urls = f"ldap://127.0.0.1:{self.plain} ldaps://127.0.0.1:{self.secure}"
        command = [slapd, "-f", str(config), "-h", urls, "-d", "0"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(self.plain)
            wait_for(self.secure)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop the server; nobody listens on its ports then."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()


def wait_for(port: int, seconds: float = 60) -> None:
    """Wait until somebody listens on a port of this machine."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.02)
        else:
            return


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
