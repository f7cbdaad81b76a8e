"""Mail to managed domains: decrypted, verified, marked. Read downwards it is its diagram."""

from salmon.routing import nolocking, route, route_like

from app.mta import incoming
from app.mta.machine import Delivery, State


@route("inbound:(account)@(host)", account=".+", host=".+")
@nolocking
def START(delivery: Delivery, account: str, host: str) -> State:
    """Open what is encrypted to this recipient."""
    delivery.outcome = incoming.decrypt(delivery)
    return DECRYPTED


@route_like(START)
@nolocking
def DECRYPTED(delivery: Delivery, account: str, host: str) -> State:
    """Find out who signed it."""
    delivery.outcome = incoming.verify(delivery)
    return VERIFIED


@route_like(START)
@nolocking
def VERIFIED(delivery: Delivery, account: str, host: str) -> State:
    """Tell the reader what was found, where nobody else can."""
    delivery.outcome = incoming.tag(delivery)
    return TAGGED


@route_like(START)
@nolocking
def TAGGED(delivery: Delivery, account: str, host: str) -> None:
    """Ready for the next hop."""
    delivery.ready = True
