"""Domain certificates: one signs and decrypts for a whole domain (behaviour D1–D6, RFC 3183)."""

from salmon.routing import nolocking, route, route_like

from app.mta import outgoing
from app.mta.machine import Delivery, State


@route("outbound:(account)@(host)", account=".+", host=".+")
@nolocking
def SIGN(delivery: Delivery, account: str, host: str) -> State:
    """Sign with the key of the sender's domain."""
    from app.handlers import outbound  # noqa: PLC0415 - the two modules are one diagram

    delivery.outcome = outgoing.sign(delivery)
    return outbound.SIGNED


@route_like(SIGN)
@nolocking
def ENCRYPT(delivery: Delivery, account: str, host: str) -> State:
    """Encrypt to the certificate of the recipient's domain."""
    from app.handlers import outbound  # noqa: PLC0415 - the two modules are one diagram

    delivery.outcome = outgoing.encrypt(delivery)
    return outbound.ENCRYPTED
