"""The example in docs/webhooks.md works as written."""

import json

import pytest
from pytest_django.live_server_helper import LiveServer

from intake.models import StoreEvent
from orders.models import Order
from tests.intake.doc_examples import read_example, run_shell_example
from tests.intake.pushing_stores import PushingStore, process

PAGE = "webhooks.md"

pytestmark = pytest.mark.django_db(transaction=True)


def test_its_order_is_stored_once_and_imported(live_server: LiveServer) -> None:
    store = PushingStore("portal", "shop-eu")
    for _time in range(2):
        assert run_shell_example(PAGE, live_server, SECRET=store.secret) == json.loads(read_example(PAGE, "json"))
    assert process() == {"taken": 1}
    assert Order.objects.get().number == "S-7"


def test_with_another_secret_it_is_refused(live_server: LiveServer) -> None:
    store = PushingStore("portal", "shop-eu")
    wrong = store.secret.swapcase().replace("WHSEC_", "whsec_")
    assert run_shell_example(PAGE, live_server, SECRET=wrong)["error"] == "unknown"
    assert not StoreEvent.objects.exists()
