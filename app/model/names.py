"""The names that rows are filed under: addresses and domains, checked before they are stored."""

from collections.abc import Iterable

from app.mail.address import (
    MalformedAddress,
    normalise,
    normalise_domain,
    registrable_problem,
    strict_addr_spec,
)
from app.model.database import Database
from app.model.errors import Refused


def read_address(text: str) -> str:
    """Return N(address) of a plain address. Raises Refused."""
    if text.strip().startswith("*@"):
        raise Refused(f"{text!r}: give the domain alone, without *@")
    try:
        name = normalise(text)
    except MalformedAddress as error:
        raise Refused(f"{text!r} is no address such as name@example.com: {error}") from error
    if strict_addr_spec(name) is None or _is_number(name):
        raise Refused(f"{text!a} is no plain address such as name@example.com")
    return name


def read_domain(text: str, *, is_ours: bool = False) -> str:
    """Return a registered domain as A-label. Raises Refused, for public suffixes too (D2)."""
    problem = registrable_problem(text.strip(), is_ours=is_ours)
    if problem:
        raise Refused(f"{text!r}: {problem}")
    name = normalise_domain(text.strip())
    if _is_number(name):
        raise Refused(f"{text!r}: an IP address is no domain")
    return name


def _is_number(name: str) -> bool:
    """Return whether what stands for a domain is an IPv4 address without its brackets."""
    return name.rpartition(".")[2].isdigit()


def is_managed(database: Database, domain: str) -> bool:
    """Return whether a normalised domain is one of ours."""
    return bool(database.sql("SELECT 1 FROM domain WHERE name = ?", (domain,)))


def read_partner_name(database: Database, text: str) -> tuple[str, bool]:
    """Return the address or domain of a correspondent, and whether it is a domain.

    Raises Refused for our own people, whose keys are in the key ring.
    """
    name, is_domain = read_name(text)
    refuse_ours(database, (name,))
    return name, is_domain


def read_name(text: str) -> tuple[str, bool]:
    """Return an address or domain, and whether it is a domain. Raises Refused."""
    is_domain = "@" not in text
    return (read_domain(text) if is_domain else read_address(text)), is_domain


def refuse_ours(database: Database, names: Iterable[str]) -> None:
    """Raise Refused if one of these read names is of a managed domain; each is asked for once."""
    asked: dict[str, str] = {}
    for name in names:
        asked.setdefault(name.rpartition("@")[2], name)
    for domain, name in asked.items():
        if is_managed(database, domain):
            raise Refused(
                f"{name} is one of ours ({domain} is managed): its keys go into the key ring"
            )


def check_subdomains(names: Iterable[str]) -> None:
    """Raise Refused where sub-domains shall be included and none of these names is a domain."""
    if all("@" in name for name in names):
        raise Refused("--include-subdomains goes with a domain, not with addresses")
