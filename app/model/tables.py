"""The tables, as peewee models that are bound to no database (database.py executes their queries).

Times, lists and mappings are stored as stored.py has it. Certificates are DER.
"""

from typing import Final

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    IntegerField,
    Model,
    TextField,
)

from app.model.revtables import FetchClaim, Revocation, RevocationFailure


class Meta(Model):
    """Counters and facts of the whole store: schema, versions, master key's public half."""

    name = TextField(primary_key=True)
    number = BigIntegerField(default=0)
    octets = BlobField(null=True)


class Domain(Model):
    """A managed domain."""

    name = TextField(primary_key=True)
    """A-label, lower case."""
    sign_to = TextField(default="[]")
    """Who gets this domain's signature: addresses, domains, ".domain" with sub-domains."""
    added_at = BigIntegerField()


class DomainKey(Model):
    """A key that a managed domain uses, or has used: retired ones still decrypt."""

    id = AutoField()
    domain = TextField(index=True)
    key = TextField(index=True)
    is_active = BooleanField(default=True)


class Key(Model):
    """A private key, sealed to the master key, and its certificate."""

    id = TextField(primary_key=True)
    owner = TextField()
    """Fixed for ever: the sealed key opens only with its id and its owner (T129)."""
    state = TextField(index=True)
    """"active", "retired" (decrypts only) or "requested" (waits for its certificate)."""
    sealed = BlobField()
    certificate = BlobField(null=True)
    chain = TextField(default="[]")
    """Fingerprints of the intermediates to send along, without the root."""
    fingerprint = TextField(null=True, unique=True)
    spki = TextField(index=True)
    """SHA-256 of the public key: matches an answer to its request, and finds shared keys (T100)."""
    not_before = BigIntegerField(default=0)
    not_after = BigIntegerField(default=0)
    request = BlobField(null=True)
    added_at = BigIntegerField()


class KeyAddress(Model):
    """An address that a key's certificate names, or that an administrator bound to it."""

    id = AutoField()
    key = TextField(index=True)
    address = TextField(index=True)
    is_bound = BooleanField(default=False)


class Partner(Model):
    """One certificate of a correspondent, under an address or a domain."""

    id = BigAutoField()
    name = TextField()
    is_domain = BooleanField()
    include_subdomains = BooleanField(default=False)
    fingerprint = TextField(index=True)
    certificate = BlobField()
    issuer_serial = TextField(index=True)
    ski = TextField(index=True)
    not_after = BigIntegerField(index=True)
    source = TextField()
    """"manual", "harvested" or "approved"."""
    is_enabled = BooleanField(default=True)
    is_pinned = BooleanField()
    """A person said that it is the right one: no certification path is asked for."""
    is_only = BooleanField(default=False)
    """Of the enabled entries under this name, only this one is encrypted to."""
    grace_days = IntegerField(null=True)
    """How long it is encrypted to after its end; None is as policy says."""
    capabilities = TextField(default="")
    """JSON list; "" is unknown."""
    capabilities_at = BigIntegerField(default=0)
    message_id = TextField(default="")
    added_at = BigIntegerField()
    used_at = BigIntegerField(default=0)

    class Meta:
        """The index of the mail path, and what makes an entry unique."""

        indexes = ((("name", "fingerprint"), True),)


class Pending(Model):
    """A certificate that waits for a person, or that a person rejected."""

    id = BigAutoField()
    address = TextField(index=True)
    fingerprint = TextField(index=True)
    certificate = BlobField()
    reasons = TextField(default="[]")
    state = TextField(index=True)
    """"waiting", "rejected" (this fingerprint) or "sender-rejected" (all from this address)."""
    chain = TextField(default="[]")
    """JSON list of DER in hexadecimal: the authorities of the message above it, lowest first."""
    capabilities = TextField(default="")
    capabilities_at = BigIntegerField(default=0)
    message_id = TextField(default="")
    added_at = BigIntegerField(index=True)

    class Meta:
        """What is counted for each message, without a look at the rows."""

        indexes = ((("state", "added_at"), False),)


class Anchor(Model):
    """A trust anchor of the owner."""

    id = AutoField()
    fingerprint = TextField(unique=True)
    certificate = BlobField()
    source = TextField(default="")
    """"list" if it came from a public list alone; else a person chose it."""
    distrust_after = BigIntegerField(null=True)
    """What it issues after this moment is not believed."""
    added_at = BigIntegerField()


class Intermediate(Model):
    """A CA certificate to build paths with; never trusted by itself."""

    fingerprint = TextField(primary_key=True)
    certificate = BlobField()
    not_after = BigIntegerField()
    added_at = BigIntegerField()
    """When mail or a fetch brought it; 0 if a person did."""


class LookedUp(Model):
    """What an on-line source answered about one address, until it is asked again."""

    id = BigAutoField()
    source = TextField()
    """As policy writes it."""
    address = TextField()
    """As it was asked for: the local part as written, the domain normalised."""
    certificates = TextField()
    """JSON list of DER in hexadecimal; empty: there is none."""
    expires_at = BigIntegerField(index=True)

    class Meta:
        """One answer for each question."""

        indexes = ((("source", "address"), True),)


class Relay(Model):
    """A client that may relay, by its address."""

    id = AutoField()
    network = TextField(unique=True)
    is_xforward = BooleanField(default=False)
    header_name = TextField(default="")
    header_hash = TextField(default="")
    added_at = BigIntegerField()


class RelayKey(Model):
    """A key that mail from a believed relay may be signed with."""

    key = TextField(primary_key=True)


class Account(Model):
    """A login of the submission service."""

    login = TextField(primary_key=True)
    password = TextField()
    """scrypt, with its parameters and salt."""
    may_send = BooleanField(default=False)
    """Member of the group system-mail."""
    addresses = TextField(default="[]")
    delegations = TextField(default="[]")
    added_at = BigIntegerField()


class AccountKey(Model):
    """A key assigned to a login."""

    id = AutoField()
    login = TextField(index=True)
    key = TextField(index=True)


class Route(Model):
    """A route of the policy, in its place."""

    position = IntegerField(primary_key=True)
    route = TextField()


class MarkText(Model):
    """A mark text that is or was in force; cleaning needs the past ones."""

    id = AutoField()
    status = TextField()
    language = TextField()
    text = TextField()
    is_current = BooleanField(default=True)
    added_at = BigIntegerField()


class Trace(Model):
    """What happened to one message for one recipient. No content."""

    id = BigAutoField()
    trace_id = TextField(index=True)
    at = BigIntegerField(index=True)
    direction = TextField()
    sender = TextField(index=True)
    """The reverse-path, normalised."""
    author = TextField(index=True)
    """The mailbox of the From field, normalised."""
    recipient = TextField(index=True)
    message_id = TextField(index=True)
    details = TextField()
    """JSON: states, plan, signature, decryption, protected, reply."""


TABLES: Final = (
    Meta,
    Domain,
    DomainKey,
    Key,
    KeyAddress,
    Partner,
    Pending,
    Anchor,
    Intermediate,
    LookedUp,
    Relay,
    RelayKey,
    Account,
    AccountKey,
    Route,
    MarkText,
    Trace,
    Revocation,
    RevocationFailure,
    FetchClaim,
)
