"""The SKUs of imported orders for staff: the list, a SKU's page, and many SKUs at once."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake.models import skus as sku_models
from intake.tasks import update_orders_of_skus
from licenses.models import Product, Sku
from orders.models import OrderLine
from tests.factories import make_agent, make_product
from tests.intake.exports import Importer, portal_order
from tests.intake.sku_mappings import kinds, map_sku, unknown_order
from tests.pages import text

pytestmark = pytest.mark.django_db

LIST = "/admin/intake/skumapping/"
Kind = OrderLine.Kind


@pytest.fixture
def product() -> Product:
    return make_product(name="Maximum Security")


def staff(*codenames: str) -> Client:
    user = User.objects.create(username=f"{len(codenames)}-{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def supervisor() -> Client:
    return staff("view_skumapping", "change_skumapping")


def page_url(code: str = "S-1") -> str:
    return f"{LIST}{Sku.objects.get(code=code).pk}/change/"


def rows(answer: HttpResponse) -> list[str]:
    return [sku.code for sku in answer.context["cl"].result_list]


def set_many(client: Client, *codes: str, **values: str) -> HttpResponse:
    """Send the list's form, like a browser without JavaScript."""
    chosen = [str(pk) for pk in Sku.objects.filter(code__in=codes).values_list("pk", flat=True)]
    form = {"action": "set_product_and_kind", "_selected_action": chosen, "select_across": "0", "index": "0"}
    return client.post(f"{LIST}?todo=all", form | values, follow=True)


# --- The list -----------------------------------------------------------------------------------------------


def test_the_list_shows_where_a_sku_was_seen(importer: Importer, supervisor: Client) -> None:
    importer.orders(
        unknown_order("A", placed_at="2026-11-02T10:00:00Z"),
        unknown_order("B", placed_at="2026-03-05T10:00:00Z"),
        unknown_order("C", placed_at="2026-07-01T10:00:00Z"),
        unknown_order("D", store="acme-us", placed_at="2020-01-01T10:00:00Z"),
    )
    answer = supervisor.get(LIST)
    assert [(sku.store.slug, sku.name, sku.usage.lines) for sku in answer.context["cl"].result_list] == [
        ("acme-eu", "Suite", 3),
        ("acme-us", "Suite", 1),
    ]
    usage = answer.context["cl"].result_list[0].usage
    assert (str(usage.first_day), str(usage.last_day)) == ("2026-03-05", "2026-11-02")
    assert "Suite" in text(answer)


def test_of_many_lines_only_the_first_and_last_are_looked_at(
    importer: Importer, supervisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer.orders(*[unknown_order(f"A-{day}", placed_at=f"2026-03-{day:02}T10:00:00Z") for day in range(1, 20)])
    small = sku_models._USAGE.replace(f"LIMIT {sku_models.COUNTED_LINES + 1}", "LIMIT 4")
    monkeypatch.setattr(sku_models, "_USAGE", small)
    usage = supervisor.get(LIST).context["cl"].result_list[0].usage
    assert (usage.lines, str(usage.first_day), str(usage.last_day)) == (4, "2026-03-01", "2026-03-19")


def test_it_lists_what_has_no_product_or_no_known_kind(
    importer: Importer, supervisor: Client, product: Product
) -> None:
    importer.orders(portal_order(), *[unknown_order(f"A-{number}", sku=f"S-{number}") for number in range(1, 7)])
    map_sku("MAX-3D-1Y", product=product)  # the store reports its kind
    map_sku("S-1", product=product)
    map_sku("S-2", kind=Kind.NEW)
    map_sku("S-3", product=product, kind=Kind.NEW)
    map_sku("S-4", kind=Kind.EXTENDED_DOWNLOAD)  # needs no product
    map_sku("S-5", product=None, kind=Kind.NEW)  # staff said that it has none
    assert rows(supervisor.get(LIST)) == ["EDS-2Y", "S-1", "S-2", "S-6"]
    assert len(rows(supervisor.get(f"{LIST}?todo=all"))) == 8
    assert rows(supervisor.get(f"{LIST}?q=S-3")) == ["S-3"]


def test_the_queries_do_not_grow_with_the_rows(importer: Importer, supervisor: Client, product: Product) -> None:
    importer.orders(unknown_order())
    supervisor.get(LIST)
    with CaptureQueriesContext(connection) as one:
        supervisor.get(LIST)
    importer.orders(*[unknown_order(f"B-{number}", sku=f"T-{number}", store=f"shop-{number}") for number in range(9)])
    for number in range(9):
        map_sku(f"T-{number}", product=product, updated=False)
    with CaptureQueriesContext(connection) as ten:
        assert len(rows(supervisor.get(LIST))) == 10
    assert len(ten) == len(one)


def test_it_is_on_the_admins_home_beside_the_imports(supervisor: Client) -> None:
    client = Client()
    client.force_login(make_agent())
    page = client.get("/admin/")
    assert f'href="{LIST}"' in page.content.decode()
    assert f'href="{LIST}"' in client.get("/admin/intake/").content.decode()
    assert f'href="{LIST}"' in supervisor.get("/admin/").content.decode()


# --- Permissions --------------------------------------------------------------------------------------------


def test_a_stranger_and_an_agent_without_permission_change_nothing(importer: Importer) -> None:
    importer.orders(unknown_order())
    url = page_url()
    for client, status in ((Client(), 302), (staff(), 403)):
        for answer in (
            client.get(LIST),
            client.get(url),
            client.post(url, {"product": "", "kind": "renewal"}),
            client.post(LIST, {"action": "set_product_and_kind", "_selected_action": Sku.objects.get().pk,
                               "kind": "renewal"}),
        ):  # fmt: skip
            assert answer.status_code == status
    viewer = staff("view_skumapping")
    assert rows(viewer.get(LIST)) == ["S-1"]
    assert viewer.post(url, {"product": "", "kind": "renewal"}).status_code == 403
    set_many(viewer, "S-1", kind="renewal")
    update_orders_of_skus()
    assert (kinds(), Sku.objects.get().kind) == (["new"], "")


def test_skus_are_neither_added_nor_deleted_there(importer: Importer) -> None:
    importer.orders(unknown_order())
    client = Client()
    client.force_login(make_agent())
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{Sku.objects.get().pk}/delete/", {"post": "yes"}).status_code == 403
    assert Sku.objects.exists()


# --- One SKU ------------------------------------------------------------------------------------------------


def test_a_page_sets_product_and_kind(importer: Importer, supervisor: Client, product: Product) -> None:
    importer.orders(unknown_order(line={"licenses": [{"serial": "XA-1"}]}))
    shown = supervisor.get(page_url())
    assert "Suite" in text(shown)
    values = {"product": str(product.pk), "kind": "renewal"}
    page = text(supervisor.post(page_url(), values, follow=True))
    assert "updated in the background" in page
    assert "being updated" in text(supervisor.get(page_url()))
    assert rows(supervisor.get(f"{LIST}?todo=updating")) == ["S-1"]
    update_orders_of_skus()
    assert rows(supervisor.get(f"{LIST}?todo=updating")) == []
    assert kinds() == ["renewal"]
    assert Sku.objects.get().product == product
    assert LogEntry.objects.filter(object_id=str(Sku.objects.get().pk)).exists()


def test_a_page_saves_nothing_but_these_two(importer: Importer, supervisor: Client) -> None:
    importer.orders(unknown_order())
    supervisor.post(page_url(), {"product": "", "kind": "renewal", "code": "X", "name": "X", "has_serials": "on"})
    sku = Sku.objects.get()
    assert (sku.code, sku.name, sku.has_serials, sku.kind, sku.product_from_staff) == (
        "S-1",
        "Suite",
        False,
        "renewal",
        False,
    )


def test_saving_a_page_unchanged_updates_no_orders(importer: Importer, supervisor: Client) -> None:
    importer.orders(unknown_order())
    assert "background" not in text(supervisor.post(page_url(), {"product": "", "kind": ""}, follow=True))
    assert Sku.objects.get().update_requested_at is None


def test_the_page_of_a_sku_under_licenses_does_the_same(importer: Importer, product: Product) -> None:
    importer.orders(unknown_order())
    client = staff("view_sku", "change_sku", "add_sku", "view_product")
    url = f"/admin/licenses/sku/{Sku.objects.get().pk}/change/"
    assert client.post(url, {"product": str(product.pk), "kind": "upgrade"}).status_code == 302
    update_orders_of_skus()
    sku = Sku.objects.get()
    assert (kinds(), sku.product, sku.product_from_staff) == (["upgrade"], product, True)


def test_a_sku_that_staff_add_before_its_first_order_counts(importer: Importer, product: Product) -> None:
    importer.orders(unknown_order())
    client = staff("view_sku", "change_sku", "add_sku", "view_product")
    store = Sku.objects.get().store
    values = {"store": str(store.pk), "code": "S-9", "name": "New", "product": str(product.pk), "kind": "upgrade"}
    assert client.post("/admin/licenses/sku/add/", values).status_code == 302
    importer.orders(unknown_order("B", sku="S-9", line={"licenses": [{"serial": "XA-1"}]}))
    assert kinds("S-9") == ["upgrade"]
    assert Sku.objects.get(code="S-9").product_from_staff


# --- Several SKUs -------------------------------------------------------------------------------------------


def test_many_skus_are_set_at_once(importer: Importer, supervisor: Client, product: Product) -> None:
    importer.orders(*[unknown_order(f"A-{number}", sku=f"S-{number}") for number in range(1, 4)])
    page = text(set_many(supervisor, "S-1", "S-2", product=str(product.pk), kind="renewal"))
    assert "2 SKUs changed." in page
    update_orders_of_skus()
    assert [kinds(f"S-{number}") for number in range(1, 4)] == [["renewal"], ["renewal"], ["new"]]
    assert Sku.objects.filter(product=product).count() == 2
    assert LogEntry.objects.count() == 2
    page = text(set_many(supervisor, "S-1", "S-2", kind="none"))
    assert "2 SKUs changed." in page
    assert set(Sku.objects.values_list("kind", flat=True)) == {""}
    assert Sku.objects.filter(product=product).count() == 2  # unchanged
    set_many(supervisor, "S-1", product="none")
    assert Sku.objects.filter(product=product).count() == 1


def test_the_same_again_changes_nothing(importer: Importer, supervisor: Client) -> None:
    importer.orders(unknown_order())
    set_many(supervisor, "S-1", kind="renewal")
    update_orders_of_skus()
    assert "Nothing was changed" in text(set_many(supervisor, "S-1", kind="renewal"))
    assert Sku.objects.get().update_requested_at is None


@pytest.mark.parametrize("values", [{}, {"kind": "nonsense"}, {"product": "999999"}, {"product": "1 OR 1=1"}])
def test_without_a_valid_choice_nothing_happens(importer: Importer, supervisor: Client, values: dict[str, Any]) -> None:
    importer.orders(unknown_order())
    assert set_many(supervisor, "S-1", **values).status_code == 200
    sku = Sku.objects.get()
    assert (sku.kind, sku.product, sku.update_requested_at, sku.product_from_staff) == ("", None, None, False)


def test_the_queries_of_the_action_do_not_grow_with_the_skus(importer: Importer, supervisor: Client) -> None:
    importer.orders(*[unknown_order(f"A-{number}", sku=f"S-{number}") for number in range(12)])
    chosen = list(Sku.objects.values_list("code", flat=True))
    counts = []
    for codes in (chosen[:2], chosen[2:]):
        ids = list(Sku.objects.filter(code__in=codes).values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            supervisor.post(LIST, {"action": "set_product_and_kind", "kind": "renewal", "_selected_action": ids})
        counts.append(len(queries))
    assert counts[0] == counts[1]
