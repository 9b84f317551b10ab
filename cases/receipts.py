"""Limits on emails that anyone can trigger to any address, by typing it into a form.

Such an address is not proven. Its emails repeat nothing that was typed, and these limits keep them from filling a
mailbox. Above a limit, the case is still accepted, and the page shows its reference.
"""

from datetime import datetime

from notifications.addresses import address_subject
from orders.rate_limits import Rate, RateLimit, consume, consume_each

# To one address, for messages, charge claims and withdrawals together.
RECEIPT_RATE = Rate(short=3, long=10)
# Acknowledgements of withdrawals, which the law requires. They count as receipts, but receipts don't use them up.
ACKNOWLEDGEMENT_RATE = Rate(short=5, long=10)


def may_email_receipt(email: str, now: datetime) -> bool:
    """Count a receipt to this address. Returns False if too many were sent."""
    return consume([_receipts(email)], now)


def may_email_acknowledgement(email: str, now: datetime) -> bool:
    """Count the acknowledgement of a withdrawal to this address. Returns False if too many were sent."""
    acknowledgements = RateLimit("withdrawal", address_subject(email), ACKNOWLEDGEMENT_RATE)
    return consume_each([acknowledgements, _receipts(email)], now)[0]


def _receipts(email: str) -> RateLimit:
    return RateLimit("receipt", address_subject(email), RECEIPT_RATE)
