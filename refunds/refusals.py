"""Refusals of refund requests; see cases/refusals.py for those of all cases."""

from cases.refusals import NotPossible, Refusal


class ReturnPeriodEnded(NotPossible):
    """The return period has ended."""


class InvalidQuantity(Refusal):
    """No units, or more than can be returned."""


class InvalidAmount(Refusal):
    """Zero, more than was requested, or more than is left of the paid amount."""
