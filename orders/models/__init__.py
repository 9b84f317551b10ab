"""Stores, orders and refunds, and the records of access to orders."""

from orders.models.access import Attempt, LookupCode, RateLimitCounter
from orders.models.corrections import NO_END_YET, UNDO_PERIOD, AddressCorrection, CorrectionLink
from orders.models.fields import money_field
from orders.models.keys import OrderPasswordKey
from orders.models.links import AccessLink, LinkState, SingleUseLink
from orders.models.orders import (
    KEYED_HASH_PREFIX,
    LAST4,
    MAX_FOUND_ORDERS,
    OWN_ARGON2_PREFIX,
    Order,
    OrderLine,
    OrderQuerySet,
    derive_kind,
    load_items,
    normalize_order_number,
)
from orders.models.payments import TOTAL_REFUND_ID, PaymentReference, Refund
from orders.models.stores import FollowUpSchedule, Store
from orders.models.suppression import SuppressedAddress

__all__ = [
    "KEYED_HASH_PREFIX",
    "LAST4",
    "MAX_FOUND_ORDERS",
    "NO_END_YET",
    "OWN_ARGON2_PREFIX",
    "TOTAL_REFUND_ID",
    "UNDO_PERIOD",
    "AccessLink",
    "AddressCorrection",
    "Attempt",
    "CorrectionLink",
    "FollowUpSchedule",
    "LinkState",
    "LookupCode",
    "Order",
    "OrderLine",
    "OrderPasswordKey",
    "OrderQuerySet",
    "PaymentReference",
    "RateLimitCounter",
    "Refund",
    "SingleUseLink",
    "Store",
    "SuppressedAddress",
    "derive_kind",
    "load_items",
    "money_field",
    "normalize_order_number",
]
