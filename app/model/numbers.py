"""The numbers of rows that people write down: none is given twice.

QUIRK: SQLite 3 gives the number of the last row again once that row is gone. "approve 7" would then
mean what somebody has sent since.
"""

from collections.abc import Sequence

from app.model.database import Database


def new_numbers(database: Database, table: str, count: int) -> Sequence[int | None]:
    """Return numbers for rows that are to be inserted in the transaction under way.

    None is for the server to choose: PostgreSQL's sequences go on and on.
    """
    if not database.is_sqlite:
        return [None] * count
    name = f"number of {table}"
    given = database.sql("SELECT number FROM meta WHERE name = ?", (name,))
    highest = database.sql(f"SELECT MAX(id) FROM {table}")[0][0] or 0  # noqa: S608 - a table of ours
    last = max(int(given[0][0]) if given else 0, int(highest))
    database.sql_run(
        "INSERT INTO meta (name, number) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        (name, last + count),
    )
    return range(last + 1, last + 1 + count)
