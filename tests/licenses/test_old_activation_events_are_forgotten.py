"""Ids of activation events are kept as long as a server may repeat them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from licenses.models import ActivationEvent
from licenses.tasks import EVENTS_KEPT, forget_activation_events


@pytest.mark.django_db
def test_only_old_ones_go() -> None:
    now = timezone.now()
    for name, age in (("old", EVENTS_KEPT + timedelta(minutes=1)), ("young", EVENTS_KEPT - timedelta(minutes=1))):
        ActivationEvent.objects.create(key_id="key", event_id=name, digest="-", received_at=now - age)
    forget_activation_events()
    assert ActivationEvent.objects.get().event_id == "young"
