"""Several workers share store events: each event is imported by one of them, without waiting."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from django.db import connections, transaction
from django.utils import timezone

from intake.models import StoreEvent
from intake.services import event_processing
from intake.services.event_processing import process_due
from orders.models import Order
from tests.intake.exports import portal_order
from tests.intake.pushing_stores import PushingStore

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS, WORKERS = 24, 4


def test_each_event_is_imported_once() -> None:
    store = PushingStore("portal")
    for number in range(EVENTS):
        store.push(portal_order(store="shop", number=f"N-{number}"))
    imported: list[bytes] = []
    real = event_processing.import_body
    start = Barrier(WORKERS)

    def counted(feed: Any, context: Any, body: bytes) -> Any:
        imported.append(body)
        return real(feed, context, body)

    def work(_number: int) -> Counter[str]:
        start.wait(timeout=30)
        try:
            return process_due(timezone.now() + timedelta(seconds=60))
        finally:
            connections.close_all()

    with mock.patch.object(event_processing, "import_body", counted), ThreadPoolExecutor(WORKERS) as threads:
        counts = sum(threads.map(work, range(WORKERS)), Counter())
    assert counts == {"taken": EVENTS}
    assert len(imported) == len(set(imported)) == EVENTS
    assert Order.objects.count() == EVENTS
    assert set(StoreEvent.objects.values_list("tries", flat=True)) == {1}


def test_an_event_that_another_worker_claims_now_is_passed_over() -> None:
    store = PushingStore("portal")
    for number in range(2):
        store.push(portal_order(store="shop", number=f"N-{number}"))
    first = StoreEvent.objects.earliest("pk")

    def work() -> Counter[str]:
        try:
            return process_due(timezone.now() + timedelta(seconds=60))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread, transaction.atomic():
        StoreEvent.objects.select_for_update().get(pk=first.pk)
        assert thread.submit(work).result(timeout=30) == {"taken": 1}
    first.refresh_from_db()
    assert first.verdict == "waiting"
