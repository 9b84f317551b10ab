"""A date field that accepts the formats people write."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class DayField(forms.DateField):
    """A date in ISO format, as browsers send it, or in a common written format if that is unambiguous."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"})

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_python(self, value: Any) -> date | None:
        try:
            return super().to_python(value)
        except ValidationError:
            return _parse_written_day(str(value))


def _parse_written_day(text: str) -> date:
    """Parse 23.11.2026, 23/11/2026 or 2026/11/23. Raises ValidationError, also if day and month are ambiguous."""
    parts = re.split(r"[.\-/ ]+", text.strip().strip("."))
    if len(parts) == 3 and all(part.isdecimal() and len(part) <= 4 for part in parts):
        numbers = [int(part) for part in parts]
        year_first = len(parts[0]) == 4
        if not year_first and len(parts[2]) == 2:
            numbers[2] += 2000
        if year_first:
            orders = [(0, 1, 2)]
        elif "." in text:  # the day always comes first
            orders = [(2, 1, 0)]
        else:
            orders = [(2, 1, 0), (2, 0, 1)]
        dates = [_make_date(numbers[year], numbers[month], numbers[day]) for year, month, day in orders]
        valid = {each for each in dates if each is not None}
        if len(valid) == 1:
            return valid.pop()
    raise ValidationError(_("Enter the date as year-month-day, for example 2026-11-23."), code="invalid")


def _make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
