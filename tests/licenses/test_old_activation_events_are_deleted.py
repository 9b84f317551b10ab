"""Ids of activation events are kept as long as a server may repeat them."""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from licenses.models import ActivationEvent


@pytest.mark.django_db
def test_only_old_ones_go() -> None:
    now = timezone.now()
    for name, age in (
        ("old", settings.KEPT_FOR["activation_events"] + timedelta(minutes=1)),
        ("young", settings.KEPT_FOR["activation_events"] - timedelta(minutes=1)),
    ):
        ActivationEvent.objects.create(key_id="key", event_id=name, digest="-", received_at=now - age)
    call_command("retention", stdout=StringIO())
    assert ActivationEvent.objects.get().event_id == "young"
