"""Queries of the follow-up schedules that staff set per store, for the apps that send follow-ups."""

from collections.abc import Iterator
from datetime import time

from django.db.models import Q

from orders.models import FollowUpSchedule

# In the store's time zone; for emails that are due on a day, not at a time of day.
DEFAULT_SEND_TIME = time(10)


def stores_by_days(kind: str, default_days: int, store: str = "store") -> Iterator[tuple[int, Q]]:
    """Yield, for each number of days set for this kind of email, a filter of the stores that it applies to.

    `store` is the lookup of the store in the filtered query. Stores that turned off this kind are in none of the
    filters.
    """
    days_of_stores: dict[int, list[int]] = {}
    scheduled_stores = []
    for schedule in FollowUpSchedule.objects.filter(kind=kind):
        scheduled_stores.append(schedule.store_id)
        if schedule.is_on:
            days_of_stores.setdefault(schedule.days, []).append(schedule.store_id)
    # The negated filter also matches rows without a store.
    yield default_days, ~Q(**{f"{store}__in": scheduled_stores}) if scheduled_stores else Q()
    for days, store_ids in days_of_stores.items():
        yield days, Q(**{f"{store}__in": store_ids})
