"""Whether there are numbers similar to a given one, for numbers that could also be card numbers."""

import re
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

_DIGITS = re.compile(r"[0-9]+")
SAME_FIRST_DIGITS = 6  # as many as identify the issuer of a card


def any_number_like(rows: QuerySet[Any], column: str, number: str) -> bool:
    """Whether a row has a number in `column` with the same first six digits and the same number of digits.

    False unless `number` is digits only. Uses an index of the column for patterns.
    """
    if not _DIGITS.fullmatch(number):
        return False
    same_beginning = {f"{column}__startswith": number[:SAME_FIRST_DIGITS]}
    same_length = {"number_of_digits": len(number), f"{column}__regex": r"^[0-9]+$"}
    return rows.filter(**same_beginning).annotate(number_of_digits=Length(column)).filter(**same_length).exists()
