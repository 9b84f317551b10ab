"""WooCommerce sends an unsigned request to an address before it saves a webhook."""

import pytest
from django.test import Client

from intake.models import StoreEvent
from tests.intake.pushing_stores import FORM, JSON, PushingStore

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("store", ["shop", "nobody"])
def test_it_is_answered_for_any_store_and_stores_nothing(store: str) -> None:
    PushingStore("woocommerce")
    response = Client().post(f"/api/stores/{store}/woocommerce/", b"webhook_id=17", content_type=FORM)
    assert response.status_code == 200
    assert not StoreEvent.objects.exists()


@pytest.mark.parametrize(
    "body", [b"webhook_id=", b"webhook_id=17&id=1", b'{"id": 1}', b"webhook_id=x", b"\nwebhook_id=1"]
)
def test_anything_else_without_a_signature_is_refused(body: bytes) -> None:
    store = PushingStore("woocommerce")
    for content_type in (FORM, JSON):
        assert store.client.post(store.path, body, content_type=content_type).status_code == 404


def test_no_other_format_takes_it() -> None:
    store = PushingStore("stripe")
    assert store.client.post(store.path, b"webhook_id=17", content_type=FORM).status_code == 404
