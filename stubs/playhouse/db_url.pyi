from typing import Any

from peewee import Database

schemes: dict[str, type[Database]]

def register_database(db_class: type[Database], *names: str) -> None: ...
def parse(
    url: str, unquote_password: bool = False, unquote_user: bool = False
) -> dict[str, Any]: ...
def connect(
    url: str, unquote_password: bool = False, unquote_user: bool = False, **connect_params: Any
) -> Database: ...
