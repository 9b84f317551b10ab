"""Days in the time zone of the settings, and the filters of the admin's lists that show them."""

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.utils import timezone


def midnight(day: date) -> datetime:
    """Return the begin of a day."""
    return timezone.make_aware(datetime.combine(day, time.min))


def last_days(number: int) -> list[date]:
    """Return the last days, of which today is the last."""
    today = timezone.localdate()
    return [today - timedelta(days=ago) for ago in reversed(range(number))]


def on_day(field: str, day: date) -> dict[str, str]:
    """Return the query of a list that shows the rows of one day."""
    return {
        f"{field}__gte": midnight(day).isoformat(),
        f"{field}__lt": midnight(day + timedelta(days=1)).isoformat(),
    }


def since_day(field: str, day: date) -> dict[str, str]:
    """Return the query of a list that shows the rows from a day on."""
    return {f"{field}__gte": midnight(day).isoformat()}


def with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}"
