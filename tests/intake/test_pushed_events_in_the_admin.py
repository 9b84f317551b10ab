"""Staff see store events, read them without card numbers, retry them, and manage the secrets."""

import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake.models import StoreEvent, WebhookSecret
from intake.services.store_events import find_endpoint
from intake.webhooks.providers import PROVIDERS
from orders.models import Order
from tests.factories import make_store
from tests.intake.exports import portal_order
from tests.intake.pushing_stores import SECRET, PushingStore, only_event, process, signed_form
from tests.intake.test_imports_in_the_admin import staff
from tests.intake.test_stripe_payments import bare_order, charge, event
from tests.pages import text

pytestmark = pytest.mark.django_db

EVENTS, SECRETS = "/admin/intake/storeevent/", "/admin/intake/webhooksecret/"


def supervisor() -> Client:
    return staff("view_storeevent", "retry_storeevent", "read_storeevent")


def viewer() -> Client:
    return staff("view_storeevent")


def owner() -> Client:
    return staff("view_webhooksecret", "add_webhooksecret", "delete_webhooksecret")


# --- Events --------------------------------------------------------------------------------------------


def test_the_list_shows_the_result_of_each_event() -> None:
    store = PushingStore("stripe")
    store.push(event(charge()))
    process()
    page = text(viewer().get(EVENTS))
    for expected in ("stripe", "charge.succeeded", "waiting", "No matching order of this store was found."):
        assert expected in page


def test_the_list_needs_the_same_queries_for_many_events() -> None:
    store = PushingStore("portal")
    client = viewer()
    store.push(portal_order(store="shop"))
    client.get(EVENTS)
    with CaptureQueriesContext(connection) as one:
        client.get(EVENTS)
    for number in range(4):
        store.push(portal_order(store="shop", number=str(number)))
    with CaptureQueriesContext(connection) as five:
        client.get(EVENTS)
    assert len(five) == len(one)
    assert not any('"body"' in query["sql"] for query in five.captured_queries)


def test_the_page_shows_the_reason_and_a_button_to_try_again() -> None:
    PushingStore("stripe").push(event(charge(metadata={"order_id": "1001"})))
    process()
    page = f"{EVENTS}{only_event().pk}/change/"
    client = supervisor()
    shown = client.get(page)
    assert "order_not_found" in text(shown)
    assert f'action="{EVENTS}{only_event().pk}/retry/"' in shown.content.decode()
    bare_order()
    response = client.post(f"{EVENTS}{only_event().pk}/retry/")
    assert response.headers["Location"] == page
    assert process() == {"taken": 1}
    assert Order.objects.get().card_last4 == "4242"
    assert "/retry/" not in client.get(page).content.decode()


def test_chosen_events_are_tried_again() -> None:
    store = PushingStore("portal")
    for body in (b"{", b"}"):
        store.push(body)
    process()
    chosen = {"action": "try_again", "_selected_action": list(StoreEvent.objects.values_list("pk", flat=True))}
    page = text(supervisor().post(EVENTS, chosen, follow=True))
    assert "2 events are tried again" in page
    assert process() == {"rejected": 2}


def test_a_taken_event_is_not_tried_again() -> None:
    PushingStore("portal").push(portal_order(store="shop"))
    process()
    supervisor().post(f"{EVENTS}{only_event().pk}/retry/")
    assert only_event().verdict == "taken"


def test_the_content_is_shown_without_card_numbers_and_passwords_and_each_look_is_on_record() -> None:
    content = portal_order(store="shop", password="correct horse", number="4111111111111111")
    PushingStore("portal").push(content | {"billing": {"name": "Ann <b>", "city": "4111 1111 1111 1111"}})
    response = supervisor().get(f"{EVENTS}{only_event().pk}/content/")
    page = response.content.decode()
    assert "ann@example.com" in page
    assert "Ann &lt;b&gt;" in page
    assert "horse" not in page
    assert not re.search(r"1{4}[ ]?1{4}", page)
    assert "no-store" in response.headers["Cache-Control"]
    assert LogEntry.objects.get().change_message == "Read the content"


def test_the_content_of_a_form_is_shown_by_field() -> None:
    store = PushingStore("2checkout")
    store.push(signed_form("REFNO=77&FIRSTNAME=J%C3%BCrgen&X=4111+1111+1111+1111", store.secret))
    page = supervisor().get(f"{EVENTS}{only_event().pk}/content/").content.decode()
    assert "FIRSTNAME = Jürgen" in page
    assert "1111 1111" not in page


def test_escaped_card_numbers_are_masked_too() -> None:
    body = json.dumps({"name": "4111 1111"}).replace("4111 1111", "4\\u0031\\u00311 1111 1111 1111")
    PushingStore("portal").push(body.encode())
    page = supervisor().get(f"{EVENTS}{only_event().pk}/content/").content.decode()
    assert "1111 1111" not in page


@pytest.mark.parametrize("path", ["retry/", "content/"])
@pytest.mark.parametrize("allowed", [(), ("view_storeevent",)])
def test_without_the_permission_nothing_is_shown_or_tried(path: str, allowed: tuple[str, ...]) -> None:
    PushingStore("portal").push(b"{")
    process()
    client = staff(*allowed)
    method = client.post if path == "retry/" else client.get
    assert method(f"{EVENTS}{only_event().pk}/{path}").status_code == 403
    assert only_event().verdict == "rejected"
    assert not LogEntry.objects.exists()
    assert viewer_page_has_no_buttons()


def viewer_page_has_no_buttons() -> bool:
    page = staff("view_storeevent", "view_importrun").get(f"{EVENTS}{only_event().pk}/change/").content.decode()
    return "/retry/" not in page and "/content/" not in page


def test_get_tries_nothing_again() -> None:
    PushingStore("portal").push(b"{")
    process()
    assert supervisor().get(f"{EVENTS}{only_event().pk}/retry/").status_code == 405


@pytest.mark.parametrize("path", ["999/content/", "999/change/", "x/change/"])
def test_an_unknown_event_is_not_an_error(path: str) -> None:
    assert supervisor().get(f"{EVENTS}{path}").status_code in (302, 404)


# --- Secrets -------------------------------------------------------------------------------------------


def add(client: Client, store: str, format_name: str, secret: str = "") -> str:
    made = make_store(slug=store)
    response = client.post(f"{SECRETS}add/", {"store": made.pk, "format": format_name, "secret": secret}, follow=True)
    return response.content.decode()


@pytest.mark.parametrize("format_name", ["portal", "woocommerce", "fastspring", "lemonsqueezy"])
def test_a_secret_is_made_and_shown_once(format_name: str) -> None:
    client = owner()
    page = add(client, "shop", format_name)
    found = re.search(r"data-secret>([^<]+)<", page)
    assert found
    secret = found[1]
    assert len(secret) >= 40
    assert find_endpoint("shop", format_name).secrets == [secret]
    assert f"/api/stores/shop/{format_name}/" in page
    row = WebhookSecret.objects.get()
    for path in (SECRETS, f"{SECRETS}{row.pk}/change/", f"{SECRETS}{row.pk}/delete/", f"{SECRETS}{row.pk}/history/"):
        assert secret not in client.get(path).content.decode()
    assert secret.encode() not in bytes(row.content)
    assert all(secret not in str(entry.__dict__) for entry in LogEntry.objects.all())


@pytest.mark.parametrize("format_name", ["shopify", "stripe", "paddle", "2checkout"])
def test_a_secret_of_the_provider_is_pasted_and_never_shown(format_name: str) -> None:
    client = owner()
    page = add(client, "shop", format_name, f" {SECRET}\n")
    assert SECRET not in page
    assert find_endpoint("shop", format_name).secrets == [SECRET]
    assert "••••••••" in client.get(f"{SECRETS}{WebhookSecret.objects.get().pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("format_name", "secret", "sentence"),
    [
        ("stripe", "", "Paste the secret"),
        ("stripe", "short", "too short"),
        ("portal", "whsec_short", "too short"),
        ("portal", "no base64 but long enough for it", "too short"),
    ],
)
def test_a_missing_or_unusable_secret_is_refused(format_name: str, secret: str, sentence: str) -> None:
    assert sentence in add(owner(), "shop", format_name, secret)
    assert not WebhookSecret.objects.exists()


def test_a_third_secret_is_refused_until_one_is_deleted() -> None:
    client = owner()
    add(client, "shop", "portal")
    store = WebhookSecret.objects.get().store
    form = {"store": store.pk, "format": "portal", "secret": ""}
    client.post(f"{SECRETS}add/", form)
    page = client.post(f"{SECRETS}add/", form, follow=True).content.decode()
    assert "two secrets for this format already" in page
    assert WebhookSecret.objects.count() == 2
    client.post(f"{SECRETS}{WebhookSecret.objects.earliest('pk').pk}/delete/", {"post": "yes"})
    client.post(f"{SECRETS}add/", form)
    assert len(find_endpoint("shop", "portal").secrets) == 2


def test_only_formats_that_can_push_are_offered() -> None:
    page = owner().get(f"{SECRETS}add/").content.decode()
    assert set(re.findall(r'<option value="([a-z0-9]+)"', page)) >= set(PROVIDERS)
    assert "gumroad" not in page


def test_refused_requests_are_shown() -> None:
    store = PushingStore("stripe")
    for _number in range(3):
        store.push(b"{}", headers={})
    page = text(owner().get(f"{SECRETS}{WebhookSecret.objects.get().pk}/change/"))
    assert re.search(r"refused requests in the last 24 hours\W+3", page, re.IGNORECASE)


def test_without_the_permission_no_secret_is_added_or_deleted() -> None:
    store = PushingStore("portal")
    client = staff("view_webhooksecret")
    form = {"store": store.store.pk, "format": "portal", "secret": ""}
    assert client.post(f"{SECRETS}add/", form).status_code == 403
    assert client.post(f"{SECRETS}{WebhookSecret.objects.get().pk}/delete/", {"post": "yes"}).status_code == 403
    assert WebhookSecret.objects.count() == 1


def test_a_secret_that_can_not_be_read_any_more_says_so(settings: object) -> None:
    PushingStore("stripe")
    client = owner()
    key = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "z" * 50, [key]  # type: ignore[attr-defined]
    row = WebhookSecret.objects.get()
    assert "••••••••" in client.get(f"{SECRETS}{row.pk}/change/").content.decode()
    WebhookSecret.objects.update(content=b"gAAAA")
    assert "SECRET_KEY has changed" in client.get(f"{SECRETS}{row.pk}/change/").content.decode()
