"""Update deadlines when a store changes. Imported when the app is ready."""

from typing import Any

from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from orders.models import Store
from refunds.services.deadlines import move_store_deadlines


@receiver(pre_save, sender=Store)
def remember_time_zone(instance: Store, **kwargs: Any) -> None:
    """Remember the stored time zone before another one is saved."""
    known = Store.objects.filter(pk=instance.pk).first()
    instance._zone_before = known and known.tzinfo  # type: ignore[attr-defined]


@receiver(post_save, sender=Store)
def follow_time_zone(instance: Store, **kwargs: Any) -> None:
    """Move the deadlines of a store's orders after its time zone changed."""
    zone_before = instance._zone_before  # type: ignore[attr-defined]
    if zone_before is not None and zone_before != instance.tzinfo:
        move_store_deadlines(instance, zone_before)
