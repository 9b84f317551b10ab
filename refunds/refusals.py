"""Why money does not go back; see cases/refusals.py for what all cases share."""

from cases.refusals import NotPossible, Refusal


class TooLate(NotPossible):
    """The return period has ended."""


class WrongQuantity(Refusal):
    """None, or more than is left."""


class WrongAmount(Refusal):
    """Nothing, more than was asked for, or more than was paid."""
