"""Each page about an order, a person, a case or a license that staff look at is recorded, once for each view."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from desk.models import LookRecord
from licenses.models import License
from orders.models import Order
from tests.desk.people import ADDRESS, make_busy_person, person_url
from tests.desk.staff import signed_in, staff_with
from tests.factories import make_agent, make_line, make_order

pytestmark = pytest.mark.django_db

LIST = "/admin/desk/lookrecord/"


@pytest.fixture
def ann() -> User:
    return make_agent(username="ann", first_name="Ann", last_name="Agent")


@pytest.fixture
def agent(ann: User) -> Client:
    return signed_in(ann)


@pytest.fixture
def order() -> Order:
    return make_busy_person()[0]


def looks() -> list[tuple[str, str, str]]:
    rows = LookRecord.objects.order_by("pk").values_list("username", "kind", "object_key")
    return list(rows)


def change_url(row: object) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])  # type: ignore[attr-defined]


def test_orders_cases_and_licenses_are_recorded_once_a_view(agent: Client, order: Order) -> None:
    license = License.objects.get()
    cases = [*order.returns.all(), *order.withdrawals.all(), *order.swaps.all(), *order.threads.all()]
    assert len(cases) == 5
    expected = []
    for row, kind, key in [
        (order, "order", order.number_key),
        *((case, "case", case.reference) for case in cases),
        (license, "license", str(license.pk)),
    ]:
        assert agent.get(change_url(row)).status_code == 200
        expected.append(("ann", kind, key))
        assert looks() == expected
    record = LookRecord.objects.get(kind="order")
    assert (record.object_model, record.object_id, record.by.username) == ("orders.order", order.pk, "ann")


def test_the_pages_of_the_desk_are_recorded(agent: Client, order: Order) -> None:
    agent.get(person_url())
    agent.get(f"{person_url()}orders/")
    agent.get(f"/admin/orders/order/{order.pk}/change/?tab=timeline")
    assert looks() == [("ann", "person", ADDRESS)] * 2 + [("ann", "order", order.number_key)]


def test_an_item_without_a_serial_number_is_a_look_at_its_order(agent: Client) -> None:
    line = make_line(make_order(number="L-1"))
    agent.get(f"/admin/licenses/linewithoutserial/{line.pk}/change/")
    assert looks() == [("ann", "order", "L-1")]


def test_a_page_shown_again_after_a_refused_form_is_recorded(agent: Client, order: Order) -> None:
    page = agent.post(f"/admin/orders/order/{order.pk}/action/", {"action": "correct", "new_email": "no address"})
    assert page.status_code == 200
    assert looks() == [("ann", "order", order.number_key)]


def test_nothing_is_recorded_if_nothing_was_shown(agent: Client, order: Order) -> None:
    agent.get("/admin/orders/order/")
    agent.get("/admin/orders/order/999999/change/")
    agent.get(f"/admin/orders/store/{order.store_id}/change/")
    stranger, other = Client(), staff_with("licenses.view_product")
    for browser in (stranger, other):
        for url in (change_url(order), person_url(), f"/admin/orders/order/{order.pk}/change/?tab=timeline"):
            assert browser.get(url).status_code in (302, 403)
    assert looks() == []


@pytest.mark.parametrize("term", ["ann", "Ann Agent", "agent"])
def test_records_are_found_by_staff(agent: Client, order: Order, term: str) -> None:
    agent.get(person_url())
    signed_in(make_agent(username="bob")).get(person_url("bobs.buyer@example.com"))
    page = agent.get(LIST, {"q": term}).content.decode()
    assert ADDRESS in page
    assert "bobs.buyer" not in page


def test_records_are_found_by_what_was_looked_at(agent: Client, order: Order) -> None:
    license, case = License.objects.get(), order.returns.get()
    for row in (order, case, license):
        agent.get(change_url(row))
    agent.get(person_url())
    shown = {order.number.lower(): order.number, case.reference: case.reference, ADDRESS.upper(): ADDRESS}
    shown[license.serial] = f"License {license.pk}"
    for term, text in shown.items():
        page = agent.get(LIST, {"q": term}).content.decode()
        assert {other for other in shown.values() if f">{other}</a>" in page} == {text}
    other = staff_with("desk.view_lookrecord")
    assert ">License" not in other.get(LIST, {"q": license.serial}).content.decode()
    assert ">License" in agent.get(LIST).content.decode()
    assert license.serial not in agent.get(LIST).content.decode()


def test_the_list_needs_its_permission_and_changes_nothing(agent: Client, order: Order) -> None:
    agent.get(person_url())
    record = LookRecord.objects.get()
    assert staff_with("orders.view_order").get(LIST).status_code == 403
    auditor = staff_with("desk.view_lookrecord")
    assert auditor.get(LIST).status_code == 200
    assert agent.get(f"{LIST}{record.pk}/change/").status_code == 200
    assert agent.post(f"{LIST}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert agent.get(f"{LIST}add/").status_code == 403


def test_a_record_outlives_the_account(agent: Client, ann: User) -> None:
    agent.get(person_url())
    ann.delete()
    assert looks() == [("ann", "person", ADDRESS)]


def test_old_records_are_deleted(agent: Client, settings: Settings) -> None:
    settings.KEPT_FOR = settings.KEPT_FOR | {"look_records": timedelta(days=30)}
    for days in (29, 31):
        agent.get(person_url())
        record = LookRecord.objects.latest("pk")
        LookRecord.objects.filter(pk=record.pk).update(at=timezone.now() - timedelta(days=days))
    call_command("retention", stdout=StringIO())
    [kept] = LookRecord.objects.all()
    assert kept.at > timezone.now() - timedelta(days=30)
