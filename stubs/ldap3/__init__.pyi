# What this application uses of ldap3 2.9.1.
from collections.abc import Mapping, Sequence
from typing import Any

NONE: str
SUBTREE: str
SYNC: str
AUTO_BIND_NONE: str
DEREF_NEVER: str

class Tls:
    def __init__(self, *, validate: int = ...) -> None: ...
    def wrap_socket(self, connection: Connection, do_handshake: bool = ...) -> None: ...

class Server:
    def __init__(
        self,
        host: str,
        port: int | None = ...,
        use_ssl: bool = ...,
        allowed_referral_hosts: Sequence[tuple[str, bool]] | None = ...,
        get_info: str = ...,
        tls: Tls | None = ...,
        *,
        connect_timeout: float | None = ...,
    ) -> None: ...

class _Strategy:
    def close(self) -> None: ...

class Connection:
    socket: Any
    strategy: _Strategy
    tls_started: bool
    result: Mapping[str, Any]
    response: Sequence[Mapping[str, Any]]
    def __init__(
        self,
        server: Server,
        *,
        client_strategy: str = ...,
        auto_bind: str = ...,
        auto_referrals: bool = ...,
        auto_range: bool = ...,
        check_names: bool = ...,
        read_only: bool = ...,
    ) -> None: ...
    def open(self, *, read_server_info: bool = ...) -> None: ...
    def start_tls(self, *, read_server_info: bool = ...) -> bool: ...
    def search(
        self,
        search_base: str,
        search_filter: str,
        search_scope: str = ...,
        *,
        dereference_aliases: str = ...,
        attributes: Sequence[str] | None = ...,
        size_limit: int = ...,
        time_limit: int = ...,
    ) -> bool: ...
