"""When each store sends which follow-up: staff's data, asked by the rooms that have follow-ups."""

from collections.abc import Iterator
from datetime import time

from django.db.models import Q

from orders.models import FollowUpSchedule

# By the store's clock, when a mail of a day goes out that has no hour of its own.
MORNING = time(10)


def by_days(kind: str, default_days: int, store: str = "store") -> Iterator[tuple[int, Q]]:
    """Which stores send this kind after, or before, how many days: a filter for each number of days.

    `store` is how a query reaches the store. Stores that have it switched off are in none of them.
    """
    own = FollowUpSchedule.objects.filter(kind=kind)
    stores: dict[int, list[int]] = {}
    told = []
    for row in own:
        told.append(row.store_id)
        if row.is_on:
            stores.setdefault(row.days, []).append(row.store_id)
    # Django's negation also takes what has no store.
    yield default_days, ~Q(**{f"{store}__in": told}) if told else Q()
    for days, ids in stores.items():
        yield days, Q(**{f"{store}__in": ids})
