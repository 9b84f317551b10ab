"""Who may open which order: the only way in.

Whoever proves that an order is theirs (order number and password, email and card, an emailed link) gets a grant
in the server-side session, bound to order ids. Every try is counted against its rate limits before it is judged,
and leaves a row for staff. What is refused is refused alike.

Last 4 digits are only 10,000 values. So a store can ask for an emailed code on top of the card, and while cards
are tried over many addresses, a proof of work comes before any card is judged.
"""

from orders.access.attempts import CLIENT_RATE, SITE_CARD_LIMIT, Lookup, Outcome, Way, under_enumeration
from orders.access.clients import client_address, client_ip
from orders.access.codes import enter_code, send_code_again
from orders.access.grants import (
    GRANT_LIFETIME,
    IDLE_TIMEOUT,
    code_address,
    end_access,
    find_page_for,
    grant_other,
    granted_orders,
    has_access,
    has_other,
    open_orders,
    with_found_order,
    with_order,
)
from orders.access.links import LINK_RATE, LinkOpened, LinkResult, look_at_link, open_link, renew_link, request_link
from orders.access.lookups import (
    SUBJECT_RATE,
    SUSPICIOUS_FAILURES,
    await_correction,
    awaited_correction,
    find_by_card,
    find_by_number,
    forget_correction,
    prove_address_correction,
)

__all__ = [
    "CLIENT_RATE",
    "GRANT_LIFETIME",
    "IDLE_TIMEOUT",
    "LINK_RATE",
    "SITE_CARD_LIMIT",
    "SUBJECT_RATE",
    "SUSPICIOUS_FAILURES",
    "LinkOpened",
    "LinkResult",
    "Lookup",
    "Outcome",
    "Way",
    "await_correction",
    "awaited_correction",
    "client_address",
    "client_ip",
    "code_address",
    "end_access",
    "enter_code",
    "find_by_card",
    "find_by_number",
    "find_page_for",
    "forget_correction",
    "grant_other",
    "granted_orders",
    "has_access",
    "has_other",
    "look_at_link",
    "open_link",
    "open_orders",
    "prove_address_correction",
    "renew_link",
    "request_link",
    "send_code_again",
    "under_enumeration",
    "with_found_order",
    "with_order",
]
