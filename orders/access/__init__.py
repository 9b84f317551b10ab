"""Access to orders. No other code decides whether a request may see an order.

A person who proves that an order is theirs (with order number and password, email and card, or an emailed link) gets a
grant in the server-side session, bound to order ids. Every attempt is counted against its rate limits before it is
evaluated, and recorded for staff. All refusals look the same.

The last 4 digits of a card have only 10,000 values. A store can therefore require an emailed code in addition to the
card. Actions on money or access always require it (`is_owner_confirmed`). While cards are tried against many addresses,
no card is evaluated without a proof of work.
"""

from orders.access.attempts import (
    CLIENT_RATE,
    LookupResult,
    Method,
    Outcome,
    SiteFailures,
    site_card_rate,
    site_failures,
    under_enumeration,
)
from orders.access.clients import client_address, client_ip
from orders.access.codes import CODE_RATE, enter_code, has_sent_code, send_code
from orders.access.grants import (
    GRANT_LIFETIME,
    IDLE_TIMEOUT,
    end_access,
    fully_open_orders,
    grant_resource_access,
    granted_orders,
    has_open_orders,
    has_resource_access,
    is_owner_confirmed,
    needs_code,
    redirect_to_code_page,
    redirect_to_find_page,
    with_order,
    with_unconfirmed_order,
)
from orders.access.links import (
    LINK_RATE,
    LinkOpened,
    LinkResult,
    check_link,
    open_link,
    renew_link,
    request_link,
    send_link_for_staff,
)
from orders.access.lookups import (
    SUBJECT_RATE,
    SUSPICIOUS_FAILURES,
    clear_pending_correction,
    find_by_card,
    find_by_number,
    find_for_correction,
    pending_correction,
    save_pending_correction,
)

__all__ = [
    "CLIENT_RATE",
    "CODE_RATE",
    "GRANT_LIFETIME",
    "IDLE_TIMEOUT",
    "LINK_RATE",
    "SUBJECT_RATE",
    "SUSPICIOUS_FAILURES",
    "LinkOpened",
    "LinkResult",
    "LookupResult",
    "Method",
    "Outcome",
    "SiteFailures",
    "check_link",
    "clear_pending_correction",
    "client_address",
    "client_ip",
    "end_access",
    "enter_code",
    "find_by_card",
    "find_by_number",
    "find_for_correction",
    "fully_open_orders",
    "grant_resource_access",
    "granted_orders",
    "has_open_orders",
    "has_resource_access",
    "has_sent_code",
    "is_owner_confirmed",
    "needs_code",
    "open_link",
    "pending_correction",
    "redirect_to_code_page",
    "redirect_to_find_page",
    "renew_link",
    "request_link",
    "save_pending_correction",
    "send_code",
    "send_link_for_staff",
    "site_card_rate",
    "site_failures",
    "under_enumeration",
    "with_order",
    "with_unconfirmed_order",
]
