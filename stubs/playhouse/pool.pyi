from typing import Any

from peewee import PostgresqlDatabase, SqliteDatabase

class MaxConnectionsExceeded(ValueError): ...

class PooledDatabase:
    def close_idle(self) -> None: ...
    def close_stale(self, age: float = 600) -> int: ...
    def close_all(self) -> None: ...
    def manual_close(self) -> None: ...

class PooledPostgresqlDatabase(PooledDatabase, PostgresqlDatabase):
    def __init__(
        self,
        database: str | None,
        max_connections: int = 20,
        stale_timeout: float | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None: ...

class PooledSqliteDatabase(PooledDatabase, SqliteDatabase):
    def __init__(
        self,
        database: str | None,
        max_connections: int = 20,
        stale_timeout: float | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None: ...
