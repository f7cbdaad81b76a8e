"""Mail to everybody else: cleaned, signed, encrypted. Read downwards it is its diagram."""

from salmon.routing import nolocking, route, route_like

from app.handlers import domain
from app.mta import outgoing
from app.mta.machine import Delivery, State


@route("outbound:(account)@(host)", account=".+", host=".+")
@nolocking
def START(delivery: Delivery, account: str, host: str) -> State:
    """Remove the marks that local users carry back in replies."""
    delivery.outcome = outgoing.clean(delivery)
    return CLEANED


@route_like(START)
@nolocking
def CLEANED(delivery: Delivery, account: str, host: str) -> State:
    """Sign with the sender's own key, or let the domain sign."""
    if outgoing.signs_for_domain(delivery):
        return domain.SIGN
    delivery.outcome = outgoing.sign(delivery)
    return SIGNED


@route_like(START)
@nolocking
def SIGNED(delivery: Delivery, account: str, host: str) -> State:
    """Encrypt to the recipient's own certificates, or to those of the domain."""
    if outgoing.encrypts_to_domain(delivery):
        return domain.ENCRYPT
    delivery.outcome = outgoing.encrypt(delivery)
    return ENCRYPTED


@route_like(START)
@nolocking
def ENCRYPTED(delivery: Delivery, account: str, host: str) -> None:
    """Ready for the next hop."""
    outgoing.finish(delivery)
    delivery.ready = True
