"""The tables of revocation data, as those of tables.py."""

from peewee import BigIntegerField, BlobField, BooleanField, IntegerField, Model, TextField


class Revocation(Model):
    """A CRL or an OCSP response, fetched for all workers."""

    name = TextField(primary_key=True)
    """What was asked of whom, hashed."""
    url = TextField()
    size = IntegerField()
    """Of the octets, which stand last, so that it is read without them."""
    fetched_at = BigIntegerField()
    until = BigIntegerField(index=True)
    """nextUpdate."""
    octets = BlobField()


class RevocationFailure(Model):
    """A source of revocation data that gives no answer."""

    url = TextField(primary_key=True)
    problem = TextField()
    since = BigIntegerField()
    failed_at = BigIntegerField(index=True)


class FetchClaim(Model):
    """Who is on the way to an answer, so that no other process goes."""

    name = TextField(primary_key=True)
    """As that of Revocation."""
    until = BigIntegerField()
    """By the clock of who claimed it."""
    has_failed = BooleanField()
    """Nobody is on the way: it was in vain, and is not to be tried before the time."""
