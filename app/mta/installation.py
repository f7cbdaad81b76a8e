"""The installation: config/settings.py and its overrides, read once and checked as a whole.

Bad settings stop the start with one line that names the setting; nothing is guessed.
"""

import importlib
import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from app.mail import limits
from app.mail.address import MalformedAddress, normalise_domain
from app.mta import fetching
from app.mta.listener import Listener, MalformedListener
from app.mta.nexthop import MalformedNextHop, NextHop
from app.pki.guard import Guard
from app.pki.issuers import IssuerFetch

PREFIX = "SEALMON_"


class BadSettings(ValueError):
    """One line that names the setting and what it may be."""


class Installation(BaseModel):
    """The settings of config/settings.py (design 6), each with its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = "sqlite:///run/sealmon.db"
    master_key: str = "file:run/keys/master.key"
    listen_lmtp: str = "127.0.0.1:8824"
    listen_smtp: str = "127.0.0.1:8823"
    listen_submission: str = ""
    listen_submissions: str = ""
    next_hop: str = "maildir:run/delivered"
    next_hop_inbound: str = ""
    next_hop_outbound: str = ""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    hostname: str = ""
    language: Literal["de", "en"] = "de"
    message_octets: Annotated[int, Field(ge=1024, le=1024**3)] = limits.MESSAGE_OCTETS
    revocation_fetch: Literal["on", "off"] = "on"
    issuer_fetch: Literal["off", "known", "on"] = "off"
    fetch_networks: str = ""
    fetch_ports: str = "80"
    fetch_proxy: str = ""
    resolver: str = "127.0.0.1:53"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must be sqlite:///PATH or postgresql://…")
        return value

    @field_validator("master_key")
    @classmethod
    def _master_key(cls, value: str) -> str:
        if not value.startswith(("file:", "credential:")):
            raise ValueError("must be file:PATH or credential:NAME")
        return value

    @field_validator("next_hop", "next_hop_inbound", "next_hop_outbound")
    @classmethod
    def _next_hop(cls, value: str, about: ValidationInfo) -> str:
        if value or about.field_name == "next_hop":
            try:
                NextHop.parse(value)
            except MalformedNextHop as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("listen_lmtp", "listen_smtp")
    @classmethod
    def _listen(cls, value: str) -> str:
        if value:
            try:
                Listener.parse(value)
            except MalformedListener as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("listen_submission", "listen_submissions")
    @classmethod
    def _submission(cls, value: str) -> str:
        if value:
            raise ValueError("submission by mail clients is not part of this version")
        return value

    @field_validator("resolver")
    @classmethod
    def _resolver(cls, value: str) -> str:
        _loopback(value)
        return value

    @field_validator("fetch_networks", "fetch_ports", "fetch_proxy")
    @classmethod
    def _fetch(cls, value: str, about: ValidationInfo) -> str:
        {
            "fetch_networks": fetching.parse_networks,
            "fetch_ports": fetching.parse_ports,
            "fetch_proxy": fetching.parse_proxy,
        }[str(about.field_name)](value)
        return value

    @field_validator("hostname")
    @classmethod
    def _hostname(cls, value: str) -> str:
        name = value or socket.getfqdn() or socket.gethostname()
        try:
            return normalise_domain(name)
        except MalformedAddress as error:
            raise ValueError(f"{name!r} is no host name") from error

    @property
    def hop_inbound(self) -> NextHop:
        """Where mail for managed domains goes."""
        return NextHop.parse(self.next_hop_inbound or self.next_hop)

    @property
    def hop_outbound(self) -> NextHop:
        """Where all other mail goes."""
        return NextHop.parse(self.next_hop_outbound or self.next_hop)

    @property
    def guard(self) -> Guard | None:
        """Whom a worker may ask for revocation data; None is nobody."""
        return self._guard if self.revocation_fetch == "on" else None

    @property
    def issuers(self) -> IssuerFetch | None:
        """Whom a worker may ask for the certificates of issuers; None is nobody."""
        if self.issuer_fetch == "off":
            return None
        return IssuerFetch(self._guard, only_known=self.issuer_fetch == "known")

    @property
    def _guard(self) -> Guard:
        return Guard(
            fetching.parse_networks(self.fetch_networks),
            fetching.parse_ports(self.fetch_ports),
            proxy=fetching.parse_proxy(self.fetch_proxy),
        )

    @property
    def resolver_address(self) -> tuple[str, int]:
        """Address and port of the resolver that validates for us."""
        return _loopback(self.resolver)

    @property
    def worker_count(self) -> int:
        """How many worker processes run: one per core unless it is set."""
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def master_key_path(self) -> Path:
        """The file that holds the master key; a systemd credential is one too."""
        kind, _, name = self.master_key.partition(":")
        if kind == "file":
            return Path(name)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise BadSettings(
                f"master_key: {self.master_key} needs systemd's CREDENTIALS_DIRECTORY, not set here"
            )
        return Path(folder) / name


def _loopback(value: str) -> tuple[str, int]:
    """Return address and port of a service of this machine; its word is taken (RFC 4035 §3.2.3)."""
    host, _, port = value.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    is_port = port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    if address is None or not address.is_loopback or not is_port:
        raise ValueError("must be ADDRESS:PORT of this machine, such as 127.0.0.1:53 or [::1]:53")
    return str(address), int(port)


def read(settings: Mapping[str, object], environment: Mapping[str, str]) -> Installation:
    """Return the installation that these settings and environment variables describe.

    Raises BadSettings.
    """
    values: dict[str, object] = {}
    for name in Installation.model_fields:
        if name in settings:
            values[name] = settings[name]
        override = environment.get(PREFIX + name.upper())
        if override is not None:
            values[name] = override
    try:
        return Installation.model_validate({"hostname": "", **values})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        # The URL of a database may hold a password (T132).
        got = "" if name == "database" else f" (got {first['input']!r})"
        raise BadSettings(f"{name}: {what}{got}") from error


def load() -> Installation:
    """Return the installation, from the settings module that Salmon uses. Raises BadSettings.

    Salmon itself is not imported for it: a command that lists something should not wait for that.
    """
    name = os.environ.get("SALMON_SETTINGS_MODULE", "config.settings")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise BadSettings(f"SALMON_SETTINGS_MODULE: {name} cannot be imported") from error
    return read(vars(module), os.environ)
