from typing import Any

from peewee import PostgresqlDatabase

class PostgresqlExtDatabase(PostgresqlDatabase):
    def __init__(self, database: str | None, **kwargs: Any) -> None: ...

class Psycopg3Database(PostgresqlExtDatabase): ...
