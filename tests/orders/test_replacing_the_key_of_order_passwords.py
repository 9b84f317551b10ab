"""ORDER_PASSWORD_KEY can be replaced: as planned, with the earlier key as a fallback, or after a leak, without it."""

from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.delivery import deliver_due
from notifications.models import Message
from orders.models import Order, OrderPasswordKey
from orders.passwords import hash_imported_password, key_fingerprint, matching_orders, portal_password
from orders.services import password_keys
from portal import doctor_checks
from tests.factories import make_order
from tests.pages import inside

pytestmark = pytest.mark.django_db

FIRST, SECOND, THIRD = "first key " * 5, "second key " * 5, "third key " * 5


@pytest.fixture(autouse=True)
def _first_key(settings: Settings) -> None:
    settings.ORDER_PASSWORD_KEY = FIRST
    OrderPasswordKey.objects.all().delete()
    password_keys.record_first_key()


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        rotate(*arguments)
    assert error.value.returncode == 2
    return str(error.value)


def opens(order: Order, typed: str) -> bool:
    return bool(matching_orders([Order.objects.get(pk=order.pk)], typed))


def change_key(settings: Settings, key: str, *earlier: str) -> None:
    settings.ORDER_PASSWORD_KEY, settings.ORDER_PASSWORD_KEY_FALLBACKS = key, list(earlier)


# --- A planned change --------------------------------------------------------------------------------------------


def test_after_a_planned_change_both_passwords_work_and_emails_contain_the_new_one(settings: Settings) -> None:
    order = make_order()
    earlier = portal_password(order) or ""
    change_key(settings, SECOND, FIRST)
    new = portal_password(order) or ""
    assert new != earlier
    assert opens(order, earlier)
    assert opens(order, new)
    change_key(settings, SECOND)
    assert not opens(order, earlier)
    assert opens(order, new)


def test_an_imported_password_is_checked_with_the_earlier_key_until_it_was_used(settings: Settings) -> None:
    used, unused = (make_order(password_hash=hash_imported_password("secret")) for _number in range(2))
    change_key(settings, SECOND, FIRST)
    assert "2 imported passwords need it" in rotate()
    assert opens(used, "secret")
    assert not opens(used, "wrong")
    assert "1 imported passwords need it" in rotate()
    change_key(settings, SECOND)
    assert opens(used, "secret")
    assert not opens(unused, "secret")
    assert "1 imported passwords can’t be checked with any key" in rotate()


def test_finishing_a_planned_change_replaces_what_no_key_can_check(settings: Settings) -> None:
    portal_made, imported = make_order(), make_order(password_hash=hash_imported_password("secret"))
    change_key(settings, SECOND)
    emailed = portal_password(portal_made) or ""
    assert "0 passwords from the portal and 1 imported passwords" in rotate("--finish", "--dry-run")
    assert not opens(imported, portal_password(Order(public_id=imported.public_id, password_generation=1)) or "")
    assert "0 passwords from the portal and 1 imported passwords" in rotate("--finish")
    imported.refresh_from_db()
    assert opens(imported, portal_password(imported) or "")
    assert opens(portal_made, emailed)
    assert "Nothing to do" in rotate("--finish")
    assert doctor_checks.check_keys() == "match the stored data"


# --- After a leak ------------------------------------------------------------------------------------------------


def test_after_a_leak_every_password_of_the_earlier_key_is_replaced_once(settings: Settings) -> None:
    portal_made, imported = make_order(), make_order(password_hash=hash_imported_password("secret"))
    of_store = make_order(password_hash=make_password("secret", hasher="argon2"))
    leaked = portal_password(portal_made) or ""
    change_key(settings, SECOND)
    before = list(Order.objects.order_by("pk").values_list("password_hash", "password_generation"))
    assert "1 passwords from the portal and 1 imported passwords" in rotate("--compromised", "--dry-run")
    assert list(Order.objects.order_by("pk").values_list("password_hash", "password_generation")) == before
    assert OrderPasswordKey.objects.count() == 1
    assert "1 passwords from the portal and 1 imported passwords" in rotate("--compromised")
    for _run in range(2):
        assert "Nothing to do" in rotate("--compromised")
        generations = dict(Order.objects.values_list("pk", "password_generation"))
        assert generations == {portal_made.pk: 1, imported.pk: 1, of_store.pk: 0}
    change_key(settings, SECOND, FIRST)  # even if someone restores the leaked key
    assert not opens(portal_made, leaked)
    assert not opens(imported, "secret")
    assert opens(of_store, "secret")
    portal_made.refresh_from_db()
    assert opens(portal_made, portal_password(portal_made) or "")


def test_after_a_leak_everybody_is_signed_out_of_these_orders(settings: Settings) -> None:
    order = make_order()
    browser = inside(order)
    change_key(settings, SECOND)
    rotate("--compromised")
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302
    order.refresh_from_db()
    assert order.access_ended_at is not None  # so earlier bank details and threads are doubtful


def test_after_a_leak_buyers_of_recent_orders_get_the_new_password_at_once(settings: Settings) -> None:
    now = timezone.now()
    young = make_order(placed_at=now - timedelta(hours=71), store_email="young@example.com", number="A-7")
    make_order(placed_at=now - timedelta(hours=73))
    make_order(placed_at=now, status=Order.Status.CANCELLED)
    make_order(placed_at=now, store_email="")
    change_key(settings, SECOND)
    assert "1 buyers emailed" in rotate("--compromised", "--dry-run")
    assert "1 buyers emailed" in rotate("--compromised")
    young.refresh_from_db()
    deliver_due()
    (email,) = mail.outbox
    assert email.to == ["young@example.com"]
    assert "A-7" in email.subject
    assert (portal_password(young) or "?") in email.body


def test_an_interrupted_run_goes_on_where_it_stopped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [make_order(placed_at=timezone.now(), store_email=f"b{number}@example.com") for number in range(7)]
    monkeypatch.setattr(password_keys, "CHUNK_SIZE", 2)
    change_key(settings, SECOND)
    stopping = mock.Mock(side_effect=[None, KeyboardInterrupt])
    key = password_keys.begin(OrderPasswordKey.Reason.COMPROMISED)
    with pytest.raises(KeyboardInterrupt):
        password_keys.replace_all(key, stopping)
    assert Order.objects.filter(password_generation=1).count() == 4
    with pytest.raises(doctor_checks.CheckFailed, match="interrupted"):
        doctor_checks.check_keys()
    late = make_order()  # its password was made with the new key
    assert "3 passwords from the portal" in rotate("--compromised")
    assert set(Order.objects.exclude(pk=late.pk).values_list("password_generation", flat=True)) == {1}
    assert Order.objects.get(pk=late.pk).password_generation == 0
    assert Message.objects.filter(kind="order_password_replaced").count() == len(orders)


@pytest.mark.parametrize("arguments", [["--compromised"], ["--compromised", "--dry-run"]])
def test_it_refuses_while_an_earlier_key_still_counts(settings: Settings, arguments: list[str]) -> None:
    order = make_order()
    change_key(settings, SECOND, FIRST)
    assert "ORDER_PASSWORD_KEY_FALLBACKS still contains an old key, so its passwords" in refused(*arguments)
    assert Order.objects.get(pk=order.pk).password_generation == 0


def test_it_refuses_while_the_leaked_key_is_still_set(settings: Settings) -> None:
    make_order()
    assert "Set a new key (50 random characters), restart all processes, and run this" in refused("--compromised")
    change_key(settings, SECOND)
    rotate("--compromised")
    change_key(settings, FIRST)
    assert "ORDER_PASSWORD_KEY is a key that was already replaced." in refused("--compromised")
    change_key(settings, THIRD)
    assert "1 passwords from the portal" in rotate("--compromised")


def test_after_a_leak_no_import_brings_an_unused_password_back(settings: Settings) -> None:
    order = make_order(password_hash=hash_imported_password("secret"))
    change_key(settings, SECOND)
    rotate("--compromised")
    order.refresh_from_db()
    assert (order.password_hash, order.password_generation) == ("", 1)  # see tests/orders/test_taking_over_an_order.py


def test_help_teaches_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("rotate_keys", "--help")
    shown = capsys.readouterr().out
    for words in ("planned change", "the key leaked", "--compromised --dry-run", "--finish", "Exit status: 0"):
        assert words in shown


# --- doctor ------------------------------------------------------------------------------------------------------


def test_doctor_says_when_key_and_orders_do_not_fit(settings: Settings) -> None:
    assert doctor_checks.check_keys() == "match the stored data"
    change_key(settings, SECOND)
    with pytest.raises(doctor_checks.CheckFailed, match="another ORDER_PASSWORD_KEY"):
        doctor_checks.check_keys()
    change_key(settings, SECOND, FIRST)
    assert "planned change" in doctor_checks.check_keys()


def test_migrate_records_the_first_key_only(settings: Settings) -> None:
    OrderPasswordKey.objects.all().delete()
    call_command("migrate", verbosity=0)
    change_key(settings, SECOND)
    call_command("migrate", verbosity=0)
    assert OrderPasswordKey.objects.get().fingerprint == key_fingerprint(FIRST)


def test_no_key_is_stored() -> None:
    row = OrderPasswordKey.objects.get()
    assert FIRST not in row.fingerprint
    assert len(row.fingerprint) == 16


def test_the_find_page_opens_an_order_with_a_password_of_the_earlier_key(settings: Settings) -> None:
    order = make_order()
    form = {"order_number": order.number, "password": portal_password(order) or ""}
    change_key(settings, SECOND, FIRST)
    assert Client().post("/orders/find/number/", form).status_code == 302
