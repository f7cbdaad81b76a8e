"""The installation a verb works on: its settings, its database and its master key.

Each is opened when a verb first asks for it, and closed when the command ends, so that ``--help``
and wrong usage touch nothing.

After a crash between master key and database: the next start finds the key, which seals nothing
yet, and makes the database with it.
"""

import os
from functools import cached_property
from pathlib import Path

import click

from app.cli.frame import Failed
from app.model.database import Database, open_database
from app.model.engines import without_password
from app.model.errors import StoreUnavailable
from app.model.masterkey import create_master_key, read_master_key
from app.model.schema import is_initialised, migrate
from app.model.setup import initialise
from app.model.snapshot import Store
from app.mta import installation
from app.mta.installation import Installation
from app.pki.sealing import MasterKey

FIRST_POLICY = Path("config/policy.toml")
"""Beside the settings, in the folder we run in; without it the shipped routes hold."""


class Place:
    """What a verb may use; click hands it over with ``@pass_place``."""

    @cached_property
    def installation(self) -> Installation:
        """The settings, checked as a whole. Raises BadSettings."""
        return installation.load()

    @property
    def url(self) -> str:
        """Where the database is, for people: without a password (T132)."""
        return without_password(self.installation.database)

    @cached_property
    def database(self) -> Database:
        """The database, up to date. Raises Failed where there is none yet."""
        database = open_database(self.installation.database)
        if not self._is_there(database):
            raise Failed(f"{self.url}: no database there; run sealmon init first")
        migrate(database)
        return database

    @cached_property
    def store(self) -> Store:
        """The store with the master key, as a worker has it. Raises Refused, StoreUnavailable."""
        self.database.close()  # It is there and up to date; the store makes its own connection.
        return Store.open(self.installation.database, self.master_key())

    def master_key(self) -> MasterKey:
        """Return the master key. Raises Refused with what is wrong with its file."""
        return read_master_key(self.installation.master_key_path)

    def prepare(self) -> bool:
        """Make the database, and the master key if there is none; return False if it is there.

        Raises Refused and Failed. What a failure leaves behind is an empty file or a key that has
        sealed nothing, and the next call goes on with it; a key is never taken away.
        """
        database = open_database(self.installation.database)
        if self._is_there(database):
            return False
        policy = FIRST_POLICY.read_text("utf-8") if FIRST_POLICY.is_file() else ""
        if database.is_sqlite:
            _make_file(Path(self.installation.database.removeprefix("sqlite:///")))
        key = self._first_master_key()
        try:
            initialise(database, key.public, policy)
        finally:
            database.close()
        return True

    def _first_master_key(self) -> MasterKey:
        path = self.installation.master_key_path
        if self.installation.master_key.startswith("file:") and not path.exists():
            return create_master_key(path)
        return self.master_key()

    def _is_there(self, database: Database) -> bool:
        try:
            return is_initialised(database)
        except StoreUnavailable as error:
            raise Failed(f"{self.url}: {error}; see the setting database") from error

    def close(self) -> None:
        """Close what was opened."""
        for name in ("store", "database"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


def _make_file(path: Path) -> None:
    """Make an empty file for its owner only; SQLite gives its other files the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}; see the setting database") from error


pass_place = click.make_pass_decorator(Place)
