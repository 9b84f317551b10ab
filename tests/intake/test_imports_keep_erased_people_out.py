"""An import doesn't bring back a person whose data was erased. A later order of the same address is a new contract."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from intake.models import ImportReject, ImportRun, StoreEvent
from licenses.models import Device
from licenses.services.activations import Event, EventType, process_events
from notifications.models import Message
from orders.models import Order
from tests.desk.held_data import traces
from tests.factories import make_order
from tests.intake.exports import Importer, portal_order, shopify_row, the_order
from tests.intake.pushing_stores import PushingStore, process

pytestmark = pytest.mark.django_db

WORD, ADDRESS = "zyxwv", "zyxwv@example.com"


def order(**changes: Any) -> dict[str, Any]:
    billing = portal_order()["billing"] | {"name": f"{WORD} Archer", "city": f"{WORD}ville", "vat_id": f"DE{WORD}"}
    return portal_order(email=ADDRESS, billing=billing, password=f"{WORD}-password") | changes


def erase() -> None:
    call_command("erase_person", ADDRESS, stdout=StringIO())
    assert traces(WORD) == []


def test_the_same_file_changes_nothing(importer: Importer) -> None:
    importer.orders(order())
    erase()
    result = importer.orders(order())
    assert (result.exit_status, result.counts["unchanged"], traces(WORD)) == (0, 1, [])


def test_a_newer_version_changes_the_order_without_the_person(importer: Importer) -> None:
    importer.orders(order())
    erase()
    result = importer.orders(order(status="refunded", updated_at="2026-11-20T10:00:00Z"))
    assert (result.exit_status, result.counts["updated"]) == (0, 1)
    changed = the_order()
    assert (changed.status, changed.email, changed.billing_name, changed.card_last4) == ("refunded", "", "", "")
    assert (changed.billing_country, changed.card_brand) == ("DE", "visa")
    assert traces(WORD) == []
    again = importer.orders(order(status="refunded", updated_at="2026-11-20T10:00:00Z"))
    assert again.counts["unchanged"] == 1


def test_another_format_of_the_same_order_brings_nothing_back(importer: Importer) -> None:
    importer.shopify(shopify_row(Email=ADDRESS, Billing_Name=f"{WORD} Archer"))
    erase()
    importer.shopify(shopify_row(Email=ADDRESS, Billing_Name=f"{WORD} Archer", Financial_Status="refunded"))
    assert traces(WORD) == []
    assert Order.objects.get().status == "refunded"


def test_an_undone_import_leaves_an_order_that_stays_without_the_person(importer: Importer) -> None:
    importer.orders(order())
    importer.orders(order(language="fr"))
    erase()
    call_command("undo_import", str(ImportRun.objects.latest("pk").pk), verbosity=0, stdout=StringIO())
    assert traces(WORD) == []


def test_an_older_order_that_the_portal_never_had_comes_without_the_person(importer: Importer) -> None:
    importer.orders(order())
    erase()
    result = importer.orders(order(number="A-0999", placed_at="2026-10-01T10:00:00Z"))
    assert (result.exit_status, result.counts["created"]) == (0, 1)
    older = the_order("A-0999")
    assert (older.email_key, older.billing_name, older.password_hash, older.total) == ("", "", "", the_order().total)
    assert older.erased_at is not None
    assert traces(WORD) == []


def test_a_new_order_is_a_new_contract(importer: Importer) -> None:
    importer.orders(order())
    erase()
    importer.orders(order(number="A-2000", placed_at=(timezone.now() + timedelta(minutes=1)).isoformat()))
    new = the_order("A-2000")
    assert (new.email, new.billing_name, new.erased_at) == (ADDRESS, f"{WORD} Archer", None)
    assert Message.objects.filter(kind="order_confirmation", order_id=new.pk).exists()
    assert the_order().email == ""


def test_an_order_without_an_address_is_erased_when_an_import_brings_it(importer: Importer) -> None:
    importer.orders(order(number="A-0998", email=None))
    importer.orders(order())
    erase_status = StringIO()
    call_command("erase_person", ADDRESS, stdout=erase_status)
    assert the_order("A-0998").billing_name == f"{WORD} Archer"  # it named no address
    importer.orders(order(number="A-0998", updated_at="2026-11-20T10:00:00Z"))
    late = the_order("A-0998")
    assert (late.email, late.billing_name) == ("", "")
    assert late.erased_at is not None
    assert traces(WORD) == []


def test_an_order_that_belongs_to_another_address_now_loses_only_the_old_one(importer: Importer) -> None:
    importer.orders(order())
    erase()
    theirs = make_order(number="B-1", store_email="bob@example.com", store=the_order().store)
    importer.orders(order(number="B-1", billing={"name": "Bob Baker"}, updated_at="2026-11-20T10:00:00Z"))
    theirs.refresh_from_db()
    assert (theirs.email, theirs.email_key, theirs.billing_name) == ("bob@example.com", "bob@example.com", "Bob Baker")
    assert theirs.erased_at is None


def test_others_in_the_same_file_are_imported_as_usual(importer: Importer) -> None:
    importer.orders(order())
    erase()
    importer.orders(order(language="fr"), portal_order(number="A-1002", email="bob@example.com"))
    assert the_order("A-1002").email == "bob@example.com"
    assert traces(WORD) == []


def test_a_dry_run_counts_the_same(importer: Importer) -> None:
    importer.orders(order())
    erase()
    changed = [order(language="fr"), order(number="A-0999")]
    dry = importer.orders(*changed, dry_run=True)
    assert dry.counts["created"] == 1
    assert importer.orders(*changed).counts["created"] == 1


def test_the_list_is_read_with_an_earlier_key(importer: Importer, settings: Settings) -> None:
    importer.orders(order())
    erase()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of fifty characters, which is long enough"
    importer.orders(order(number="A-0999"))
    assert traces(WORD) == []


def test_an_event_about_an_erased_order_is_imported_and_its_content_forgotten() -> None:
    store = PushingStore("portal", "acme-eu")
    store.push(order())
    process()
    erase()
    for changes in ({"language": "fr"}, {"language": "fr"}, {"status": "refunded", "number": "A-0997"}):
        store.push(order(**changes))
        process()
    assert traces(WORD) == []
    assert set(StoreEvent.objects.values_list("verdict", flat=True)) == {"taken"}
    assert Order.objects.count() == 2


def test_warnings_quote_no_erased_person(importer: Importer) -> None:
    importer.orders(order())
    erase()
    importer.orders(order(billing={"name": f"{WORD} MÃ¼ller"}, updated_at="2026-11-20T10:00:00Z"))
    assert ImportRun.objects.latest("pk").warnings == []
    assert not ImportReject.objects.exists()


def test_an_activation_server_doesnt_bring_back_the_name_of_a_device(importer: Importer) -> None:
    importer.orders(order())
    erase()
    serial = the_order().licensed_lines.get().license.serial
    event = Event(
        "1", EventType.ACTIVATED, serial, "device-1", timezone.now(), "0" * 64, f"Laptop of {WORD}", "Windows"
    )
    process_events("key", [event])
    device = Device.objects.get()
    assert (device.vendor_id, device.name, device.platform) == ("device-1", "", "")
