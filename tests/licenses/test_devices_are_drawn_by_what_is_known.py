"""Each device of a license is drawn: in use, free, or unknown where no activation server tells."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses.models import Device, License
from tests.factories import make_license, make_line, make_order, make_product
from tests.pages import inside

pytestmark = pytest.mark.django_db


def make(activated_at: datetime | None) -> License:
    line = make_line(make_order(placed_at=timezone.now()))
    return make_license(line, product=make_product(), devices=3, activated_at=activated_at)


def report(license: License, name: str, **fields: Any) -> None:
    now = timezone.now()
    Device.objects.create(license=license, vendor_id=name, activated_at=now, last_seen_at=now, **fields)


def drawn(license: License) -> list[str]:
    order = license.licensed_lines.get().order
    html = inside(order).get(f"/orders/{order.public_id}/").content.decode()
    return re.findall(r'<i class="(used|free|unknown)">', html)


def test_all_are_unknown_without_an_activation_server(settings: Settings) -> None:
    settings.ACTIVATION_KEYS = {}
    assert drawn(make(activated_at=None)) == drawn(make(activated_at=timezone.now())) == ["unknown"] * 3


def test_all_are_unknown_if_an_activated_license_has_no_reports(settings: Settings) -> None:
    settings.ACTIVATION_KEYS = {"server": "x" * 40}
    license = make(activated_at=timezone.now())
    assert drawn(license) == ["unknown"] * 3
    report(license, "Laptop")
    assert drawn(license) == ["used", "free", "free"]


def test_all_are_free_once_every_device_was_deactivated(settings: Settings) -> None:
    settings.ACTIVATION_KEYS = {"server": "x" * 40}
    license = make(activated_at=timezone.now())
    report(license, "Laptop", deactivated_at=timezone.now())
    assert drawn(license) == ["free"] * 3


def test_all_are_free_before_the_license_is_activated(settings: Settings) -> None:
    settings.ACTIVATION_KEYS = {"server": "x" * 40}
    assert drawn(make(activated_at=None)) == ["free"] * 3
