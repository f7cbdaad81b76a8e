"""The engines behind the database: how SQLite and PostgreSQL are opened, so that nothing is lost.

SQLite runs with WAL and ``synchronous=FULL``, PostgreSQL with ``synchronous_commit=on``: what was
committed survives power loss. No connection is made here.
"""

from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import peewee

BUSY_SECONDS: Final = 5.0
"""How long a writer waits for another one, and PostgreSQL for its server (R13)."""


def without_password(url: str) -> str:
    """Return the URL of a database as people may see it (T132)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.split("://", 1)[0] + "://…"
    shown = url.replace(f":{parts.password}@", ":…@", 1) if parts.password else url
    return shown.replace(f"?{parts.query}", "?…") if "password" in parts.query.lower() else shown


def sqlite_engine(path: str) -> peewee.SqliteDatabase:
    """Return the engine of a SQLite file, which has to be there."""
    # A plain SqliteDatabase keeps one connection a thread. Never a pool: it hands a connection from
    # one thread to another, which sqlite3 refuses. mode=rw: a lost file is missed, not made anew.
    return peewee.SqliteDatabase(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        pragmas={
            "journal_mode": "wal",
            "synchronous": "full",
            "foreign_keys": 1,
            "busy_timeout": int(BUSY_SECONDS * 1000),
            "cache_size": -8192,
        },
        timeout=BUSY_SECONDS,
    )


def postgresql_engine(url: str) -> peewee.PostgresqlDatabase:
    """Return the engine of a PostgreSQL URL; what the URL asks for wins over our options."""
    parts = urlsplit(url)
    milliseconds = int(BUSY_SECONDS * 1000)
    options: dict[str, Any] = {
        "connect_timeout": int(BUSY_SECONDS),
        "tcp_user_timeout": milliseconds,
        "options": f"-c synchronous_commit=on -c lock_timeout={milliseconds}",
        **dict(parse_qsl(parts.query)),
    }
    given = {
        "user": parts.username,
        "password": unquote(parts.password or ""),
        "host": parts.hostname,
        "port": parts.port,
    }
    options.update({name: value for name, value in given.items() if value})
    return peewee.PostgresqlDatabase(parts.path.lstrip("/"), prefer_psycopg3=True, **options)
