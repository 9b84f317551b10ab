"""Staff extend the downloads of one order."""

from datetime import date

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from licenses.models import DownloadExtension
from orders.models import Order


@transaction.atomic
def extend_downloads(order: Order, last_day: date, by: User) -> bool:
    """Let the buyer download until `last_day`, a day in the store's time zone. Replaces an earlier extension.

    A period that ends later anyway stays as it is. Returns False if this is the day already.
    """
    Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if DownloadExtension.objects.filter(order=order, last_day=last_day).exists():
        return False
    DownloadExtension.objects.update_or_create(
        order=order, defaults={"last_day": last_day, "made_at": timezone.now(), "made_by": by}
    )
    return True
