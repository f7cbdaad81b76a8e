"""Makes a new store: tables, the master key's public half and the first policy."""

from app.model.database import SETTINGS, Database, make_file
from app.model.errors import Refused
from app.model.policies import store
from app.model.routes import parse_toml, shipped_rows
from app.model.schema import MASTER_PUBLIC, is_initialised, migrate
from app.model.tables import Meta


def initialise(database: Database, master_public: bytes, policy: str = "") -> None:
    """Make the tables of a new store, all or none.

    ``policy`` is the text of the first policy, the shipped one if it is empty. Raises Refused if
    there is a store already, or for a policy that cannot be read.
    """
    rows = parse_toml(policy) if policy else shipped_rows()
    if len(master_public) != 32:
        raise Refused("the public half of the master key has 32 octets")
    if is_initialised(database):
        raise Refused(f"{database.url}: there is a database already")
    make_file(database)
    with database.change(SETTINGS):
        migrate(database)
        database.insert(Meta, {"name": MASTER_PUBLIC, "octets": master_public})
        store(database, rows)
