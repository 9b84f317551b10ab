"""Devices that use a license, as reported by the vendor's activation server."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models.licenses import License
from orders.models.fields import NoCardNumbersCharField

UNDO_WITHIN = timedelta(minutes=10)


class DeviceQuerySet(models.QuerySet["Device"]):
    def in_use(self) -> Self:
        return self.filter(deactivated_at__isnull=True)

    def with_releases(self) -> Self:
        """Prefetch their releases for `active_release`. One more query."""
        releases = DeviceRelease.objects.not_undone().order_by("requested_at")
        return self.prefetch_related(models.Prefetch("releases", releases, to_attr="loaded_releases"))


class Device(models.Model):
    """One device of a license. Kept after deactivation, so that repeated events change nothing."""

    license = models.ForeignKey(License, on_delete=models.CASCADE, related_name="devices_in_use")
    vendor_id = models.CharField(_("vendor’s device ID"), max_length=200)
    name = NoCardNumbersCharField(_("name"), max_length=200, blank=True)
    platform = NoCardNumbersCharField(_("platform"), max_length=100, blank=True)
    activated_at = models.DateTimeField(_("activated at"))  # the earliest reported event
    last_seen_at = models.DateTimeField(_("last seen at"))
    deactivated_at = models.DateTimeField(_("deactivated at"), null=True, blank=True)
    # The latest activation, and when name and platform were reported, so that events may arrive in any order.
    last_activated_at = models.DateTimeField(_("last activated at"), null=True, blank=True)
    described_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeviceQuerySet.as_manager()
    loaded_releases: "list[DeviceRelease]"  # set by `with_releases`

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(fields=["license", "vendor_id"], name="device_once_per_license"),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("activated_at")), name="device_seen_after_activation"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.vendor_id

    def active_release(self) -> "DeviceRelease | None":
        """The latest release by its owner, unless it was undone or the device was activated again since."""
        loaded = self.__dict__.get("loaded_releases")
        releases = self.releases.not_undone().order_by("requested_at") if loaded is None else loaded
        latest: DeviceRelease | None = list(releases)[-1] if releases else None
        if latest is None or (self.last_activated_at and self.last_activated_at > latest.requested_at):
            return None
        return latest


class DeviceReleaseQuerySet(models.QuerySet["DeviceRelease"]):
    def not_undone(self) -> Self:
        return self.filter(undone_at__isnull=True)

    def final(self, now: datetime) -> Self:
        """Releases that can no longer be undone, so that the activation server should deactivate the device."""
        return self.not_undone().filter(requested_at__lte=now - UNDO_WITHIN)

    def to_report(self, now: datetime) -> Self:
        """Final releases that the activation server has not confirmed yet."""
        return self.final(now).filter(freed_at__isnull=True)

    def update_freed_at(self, devices: Iterable[Device], now: datetime) -> None:
        """Set `freed_at` of releases whose device was deactivated, or activated again since."""
        releases = self.not_undone().filter(device__in=devices)
        done = Q(device__deactivated_at__isnull=False) | Q(device__last_activated_at__gt=F("requested_at"))
        releases.filter(done, freed_at__isnull=True).update(freed_at=now)
        # A late event may show that this was wrong.
        releases.filter(freed_at__isnull=False).exclude(done).update(freed_at=None)


class DeviceRelease(models.Model):
    """The holder of a license released a device. Can be undone for 10 minutes."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="releases")
    requested_at = models.DateTimeField(_("requested at"), default=timezone.now)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    freed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)  # when the activation server confirmed it

    objects = DeviceReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("device release")
        verbose_name_plural = _("device releases")
        indexes = [
            models.Index(fields=["device", "requested_at"], name="device_release_by_time"),
            models.Index(
                fields=["requested_at"],
                condition=Q(undone_at__isnull=True, freed_at__isnull=True),
                name="device_release_to_free",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.requested_at:%Y-%m-%d %H:%M}"
