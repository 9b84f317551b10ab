"""A day as people write it."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class DayField(forms.DateField):
    """A day, as browsers send it or as people of the page's language write it."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"})

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_python(self, value: Any) -> date | None:
        try:
            return super().to_python(value)
        except ValidationError:
            return _written_day(str(value))


def _written_day(text: str) -> date:
    """23.11.2026, 23/11/2026, 2026/11/23. Raises ValidationError, also where month and day could be either."""
    parts = re.split(r"[.\-/ ]+", text.strip().strip("."))
    if len(parts) == 3 and all(part.isdecimal() and len(part) <= 4 for part in parts):
        numbers = [int(part) for part in parts]
        year_first = len(parts[0]) == 4
        if not year_first and len(parts[2]) == 2:
            numbers[2] += 2000
        orders = [(0, 1, 2)] if year_first else [(2, 1, 0)] if "." in text else [(2, 1, 0), (2, 0, 1)]
        days = {day for each in orders if (day := _day(*(numbers[index] for index in each))) is not None}
        if len(days) == 1:
            return days.pop()
    raise ValidationError(_("Please write the day as year-month-day, as in 2026-11-23."), code="invalid")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
