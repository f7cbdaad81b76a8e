"""Everything about addresses, in one place to import from.

The forms of an address are in ``addr_spec``, those of a domain in ``domain``, lists of mailboxes in
``mailboxes``, and who a message is from in ``originator``.
"""

from app.mail.addr_spec import (
    domain_of,
    normalise,
    same_mailbox,
    spelled_out,
    strict_addr_spec,
)
from app.mail.domain import normalise_domain, registrable_problem
from app.mail.errors import MalformedAddress
from app.mail.mailboxes import Mailbox, parse_mailboxes
from app.mail.originator import Originator, originator

__all__ = [
    "Mailbox",
    "MalformedAddress",
    "Originator",
    "domain_of",
    "normalise",
    "normalise_domain",
    "originator",
    "parse_mailboxes",
    "registrable_problem",
    "same_mailbox",
    "spelled_out",
    "strict_addr_spec",
]
