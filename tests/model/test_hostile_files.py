"""Whatever file a person gives, the answer is rows or one line of refusal; nothing half stored."""

import random
from collections.abc import Callable

import pytest

from app.cms.certs_only import build_certs_only
from app.model import keys, partners, trust
from app.model.database import Database
from app.model.errors import Refused
from tests.model.house import ALICE, BOB, person, root
from tests.model.test_keys import p12
from tests.model.test_partners import signed
from tests.testpki import AT, pem

Verb = Callable[[Database, bytes], object]

VERBS: list[tuple[str, Verb]] = [
    ("partner import", lambda database, octets: partners.import_partner(database, octets, AT)),
    ("trust add", lambda database, octets: trust.add(database, octets, AT)),
    ("key import", lambda database, octets: keys.import_keys(database, octets, "secret", AT)),
    ("key answer", lambda database, octets: keys.answer(database, octets, AT)),
]

FILES = [
    person(BOB).certificate,
    person(BOB).pem,
    root().certificate,
    build_certs_only([person(BOB).certificate, root().certificate]),
    pem(build_certs_only([person(BOB).certificate]), "PKCS7"),
    person(ALICE).key_pem + person(ALICE).pem,
    p12(),
    signed(person(BOB)),
    signed(person(BOB), "opaque"),
    b"PK\x03\x04" + bytes(100),
    b"",
]


def damaged(octets: bytes, chance: random.Random) -> bytes:
    """Return the file cut, with octets changed, doubled or swapped."""
    found = bytearray(octets)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(5):
            case 0:
                del found[at:]
            case 1:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                found[at:at] = found[at : at + chance.randrange(200)]
            case 3:
                del found[at : at + chance.randrange(50)]
            case 4:
                found[at:at] = bytes(chance.randrange(20))
    return bytes(found)


def rows(database: Database) -> list[tuple[object, ...]]:
    tables = ("partner", "anchor", "key", "keyaddress", "intermediate")
    return [row for each in tables for row in database.sql(f'SELECT COUNT(*) FROM "{each}"')]


def refused(verb: Verb, database: Database, octets: bytes) -> str | None:
    """Return why a file was refused, None if it was taken."""
    try:
        verb(database, octets)
    except Refused as error:
        return str(error)
    return None


@pytest.mark.parametrize(("what", "verb"), VERBS, ids=[each[0] for each in VERBS])
def test_any_file_gives_rows_or_one_line(database: Database, what: str, verb: Verb) -> None:
    chance = random.Random(what)
    for octets in FILES:
        for _ in range(40):
            before, version = rows(database), database.version()
            refusal = refused(verb, database, damaged(octets, chance))
            if refusal is not None:
                assert len(refusal.splitlines()) == 1
                assert (rows(database), database.version()) == (before, version)
