"""Ids of activation events are kept as long as a server may repeat them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from licenses.models import ActivationEvent
from licenses.tasks import EVENT_RETENTION, delete_old_activation_events


@pytest.mark.django_db
def test_only_old_ones_go() -> None:
    now = timezone.now()
    for name, age in (
        ("old", EVENT_RETENTION + timedelta(minutes=1)),
        ("young", EVENT_RETENTION - timedelta(minutes=1)),
    ):
        ActivationEvent.objects.create(key_id="key", event_id=name, digest="-", received_at=now - age)
    delete_old_activation_events()
    assert ActivationEvent.objects.get().event_id == "young"
