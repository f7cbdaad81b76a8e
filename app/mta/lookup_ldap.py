"""Asks a directory for the certificates of one address, by LDAP, bounded in every direction.

The address is a value in the filter and never part of its form (T98); an entry counts only if its
``mail`` is that very address. The server's certificate is verified, nobody is followed elsewhere,
no password is sent. One question takes three seconds at most after the host is resolved, and reads
no more than a megabyte of ten entries. RFC 4511, RFC 4513 §5.1.1, RFC 4515 §3, RFC 4523 §2.1.
"""

import socket
import ssl
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from app import clock
from app.mail.address import MalformedAddress, normalise
from app.model.errors import CannotLookUp
from app.model.sources import Source
from app.pki.certificate import load_certificates
from app.pki.errors import MalformedCertificate

with warnings.catch_warnings():
    # QUIRK: ldap3 2.9.1 uses names that pyasn1 0.6 calls old.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPExceptionError
    from ldap3.utils.conv import escape_filter_chars

SECONDS: Final = 3.0
ENTRIES_AT_MOST: Final = 10
ANSWER_OCTETS: Final = 1024 * 1024

_VALUES_AT_MOST: Final = 20
"""Of the certificates in one answer."""
_MAIL: Final = "mail"
# RFC 4523 §2.1, RFC 2798 §2.8. QUIRK: Active Directory knows them without ";binary" only.
_CERTIFICATES: Final = ("usercertificate", "usersmimecertificate")
_ATTRIBUTES: Final = (
    _MAIL,
    "userCertificate",
    "userCertificate;binary",
    "userSMIMECertificate",
    "userSMIMECertificate;binary",
)
_SUCCESS: Final = 0
# QUIRK: ldap3 2.9.1 meets an answer that is no LDAP with whatever its decoder trips over.
_FAILURES: Final = (
    LDAPExceptionError,
    OSError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@cache
def trust_of_the_system() -> ssl.SSLContext:
    """Return the context that verifies directories by the authorities of this machine."""
    return ssl.create_default_context()


def ask_directory(
    source: Source, address: str, tls: ssl.SSLContext | None = None
) -> tuple[bytes, ...]:
    """Return the certificates that a directory has for an address, DER, unjudged.

    Raises CannotLookUp with one line if there is no answer that counts.
    """
    deadline = clock.monotonic() + SECONDS
    connection = _connection(source, _Tls(source.host, deadline, tls or trust_of_the_system()))
    try:
        _open(connection, source, deadline)
        entries = _search(connection, source, address)
        return tuple(_certificates(entries, address))
    except _FAILURES as error:
        raise CannotLookUp(f"{source.entry}: {_words(error)}") from error
    finally:
        _close(connection)


def filter_of(address: str) -> str:
    """Return the filter for one address (RFC 4515 §3)."""
    return f"({_MAIL}={escape_filter_chars(address)})"


class _Bounded:
    """A socket that ends at a deadline and after so many octets."""

    def __init__(self, inner: socket.socket, deadline: float) -> None:
        self.inner = inner
        self._deadline = deadline
        self._left = ANSWER_OCTETS

    def recv(self, octets: int) -> bytes:
        """Return what has come, while there is time."""
        self.inner.settimeout(_left(self._deadline))
        found = self.inner.recv(octets)
        self._left -= len(found)
        if self._left < 0:
            raise OSError("the answer is over the limit")
        return found

    def sendall(self, octets: bytes) -> None:
        """Send all octets, while there is time."""
        self.inner.settimeout(_left(self._deadline))
        self.inner.sendall(octets)

    def shutdown(self, how: int) -> None:
        """End the connection."""
        self.inner.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self.inner.close()


class _Tls(ldap3.Tls):
    """TLS that verifies the name itself: ldap3 calls a function that Python 3.12 has lost."""

    def __init__(self, host: str, deadline: float, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        self._deadline = deadline
        self._context = context

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - ldap3's signature
        """Shake hands and put the bounded socket in the place of the plain one."""
        plain = connection.socket
        inner = plain.inner if isinstance(plain, _Bounded) else plain
        inner.settimeout(_left(self._deadline))
        wrapped = self._context.wrap_socket(inner, server_hostname=self._host)
        connection.socket = _Bounded(wrapped, self._deadline)


def _connection(source: Source, tls: _Tls) -> ldap3.Connection:
    server = ldap3.Server(
        source.host,
        source.port,
        use_ssl=source.tls == "tls",
        tls=tls,
        get_info=ldap3.NONE,
        allowed_referral_hosts=[],
        connect_timeout=SECONDS,
    )
    return ldap3.Connection(
        server,
        client_strategy=ldap3.SYNC,
        auto_bind=ldap3.AUTO_BIND_NONE,
        auto_referrals=False,
        auto_range=False,
        check_names=False,
        read_only=True,
    )


def _open(connection: ldap3.Connection, source: Source, deadline: float) -> None:
    connection.open(read_server_info=False)
    if not isinstance(connection.socket, _Bounded):
        connection.socket = _Bounded(connection.socket, deadline)
    if source.tls == "starttls":
        connection.start_tls(read_server_info=False)
        if not connection.tls_started:
            raise OSError("StartTLS failed")


def _close(connection: ldap3.Connection) -> None:
    connection.strategy.close()
    # QUIRK: ldap3 2.9.1 leaves the socket open when opening fails half way.
    if connection.socket is not None:
        connection.socket.close()


def _search(connection: ldap3.Connection, source: Source, address: str) -> list[Mapping[str, Any]]:
    """Return the entries that the directory finds; only a success is an answer."""
    connection.search(
        source.base,
        filter_of(address),
        ldap3.SUBTREE,
        dereference_aliases=ldap3.DEREF_NEVER,
        attributes=list(_ATTRIBUTES),
        size_limit=ENTRIES_AT_MOST,
        time_limit=int(SECONDS),
    )
    result = connection.result
    if result["result"] != _SUCCESS:
        raise OSError(f"the answer is {result['description']}")
    # What lies elsewhere is not followed: a searchResRef says nothing of the address.
    entries = [each for each in connection.response if each["type"] == "searchResEntry"]
    if len(entries) > ENTRIES_AT_MOST:
        raise OSError(f"more than {ENTRIES_AT_MOST} entries")
    return entries


def _certificates(entries: list[Mapping[str, Any]], address: str) -> Iterator[bytes]:
    values = [
        value
        for entry in entries
        if _is_of(entry["raw_attributes"], address)
        for name, found in entry["raw_attributes"].items()
        if name.lower().partition(";")[0] in _CERTIFICATES
        for value in found
    ]
    for value in values[:_VALUES_AT_MOST]:
        try:
            # userSMIMECertificate is a SignedData with the whole path (RFC 2798 §2.8).
            found = load_certificates(value)
        except MalformedCertificate:
            continue
        yield from (each.der for each in found)


def _is_of(attributes: Mapping[str, list[bytes]], address: str) -> bool:
    """Return whether an entry is that of this very address, whatever the directory matched."""
    for name, values in attributes.items():
        if name.lower() == _MAIL:
            return any(_same(value, address) for value in values)
    return False


def _same(value: bytes, address: str) -> bool:
    try:
        return normalise(value.decode()) == normalise(address)
    except (MalformedAddress, UnicodeDecodeError):
        return False


def _left(deadline: float) -> float:
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError(f"no answer within {SECONDS:g} seconds")
    return left


def _words(error: BaseException) -> str:
    """Return what went wrong as one line; the server's own words are not repeated."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.args:
        text = str(error.args[-1])
        if text.isascii() and text.isprintable():
            return text
    return type(error).__name__
