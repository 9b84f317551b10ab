"""Lists of the admin are exported as CSV, by those who may export and see the list, and each export is recorded.

The lists are read from the admin itself: a list without a decision in desk/exports.py fails.
"""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from desk import exports
from desk.exports import EXPORTED, LINKS, NOT_EXPORTED
from desk.roles import AGENT, AUDITOR, EDITOR, EXPORT_LISTS, FINANCE, PERMISSIONS, ROLES, SUPERVISOR
from intake.models import SkuMapping
from orders.rate_limits import Rate
from portal.demo.content_loading import load_demo_content
from tests.desk.people import make_busy_person
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_line, make_order, make_store

pytestmark = pytest.mark.django_db

NEVER_EXPORTED = ("password", "payout_details", "secret", "body", "content", "token")
# Lists that by default show what is to be done.
ALL_ROWS = {"support.Thread": "?todo=all", "licenses.LineWithoutSerial": "?waits=0"}
HOSTILE = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\tx", "'=1", '=1,"; drop', "＝1"]


def export(browser: Client, label: str, query: str = "") -> Any:
    app, model = label.lower().split(".")
    return browser.post(reverse("admin:desk_export", args=[app, model]) + query)


def read(response: Any) -> list[list[str]]:
    """The lines of the file, the first of which has the headers."""
    text = b"".join(response.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_every_list_of_the_admin_is_exported_or_has_a_reason_not_to_be() -> None:
    lists = {model._meta.label for model in admin.site._registry}
    assert EXPORTED | NOT_EXPORTED.keys() == lists
    assert not EXPORTED & NOT_EXPORTED.keys()


def test_no_exported_list_has_a_column_with_a_secret() -> None:
    for model, model_admin in admin.site._registry.items():
        if model._meta.label in EXPORTED:
            columns = [name for name in model_admin.list_display if name not in LINKS]
            assert not [name for name in columns if any(word in str(name) for word in NEVER_EXPORTED)], model


def test_each_role_exports_the_lists_that_it_sees_if_it_may_export(tmp_path: Path) -> None:
    load_demo_content(tmp_path / "orders.jsonl")
    for role in ROLES:
        browser = staff_with_role(role)
        rows = 0
        for model, model_admin in admin.site._registry.items():
            rows += check_export(browser, role, model, model_admin)
        assert (rows > 20) == (EXPORT_LISTS in PERMISSIONS[role]), role


def check_export(browser: Client, role: str, model: type[Model], model_admin: admin.ModelAdmin) -> int:
    """Open a list and export it. Returns the number of exported rows."""
    label = model._meta.label
    page = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
    response = export(browser, label)
    is_allowed = page.status_code == 200 and EXPORT_LISTS in PERMISSIONS[role]
    assert response.status_code == (200 if is_allowed and label in EXPORTED else 403), (role, model)
    assert (b"data-export" in page.content) == (response.status_code == 200), (role, model)
    if response.status_code != 200:
        return 0
    header, *lines = read(response)
    assert len(header) >= len([name for name in model_admin.list_display if name not in LINKS])
    assert {len(line) for line in lines} <= {len(header)}
    own_entry = int(model is LogEntry)  # each export is one more row in the list of what staff did
    assert len(lines) == page.context["cl"].result_count + own_entry, (role, model)
    return len(lines)


def test_supervisors_finance_and_auditors_may_export_and_others_may_not() -> None:
    assert [role for role in ROLES if EXPORT_LISTS in PERMISSIONS[role]] == [SUPERVISOR, FINANCE, AUDITOR]
    for role in (AGENT, EDITOR):
        assert export(staff_with_role(role), "orders.Order").status_code == 403


def test_the_permission_to_export_shows_no_list_that_staff_may_not_see() -> None:
    browser = staff_with(EXPORT_LISTS)
    assert {export(browser, label).status_code for label in EXPORTED} == {403}


def test_strangers_and_links_export_nothing() -> None:
    assert export(Client(), "orders.Order").status_code == 302
    assert staff_with_role(AUDITOR).get("/admin/desk/export/orders/order/").status_code == 405
    assert LogEntry.objects.count() == 0


def test_a_form_of_another_site_exports_nothing() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    assert export(browser, "orders.Order").status_code == 403


@pytest.mark.parametrize("label", ["orders.nothing", "nothing.order", "orders.refund"])
def test_an_unknown_list_is_not_found(label: str) -> None:
    assert export(staff_with_role(AUDITOR), label).status_code == 404


def test_the_file_has_what_the_list_shows_with_amounts_as_numbers() -> None:
    make_order(number="A-1", total="-5.5", billing_name="Zoë")
    response = export(staff_with_role(FINANCE), "orders.Order")
    header, [*cells] = read(response)
    row = dict(zip(header, cells, strict=True))
    assert header[0] == "Order number"
    assert row["Order number"] == "A-1"
    assert row["Billing name"] == "Zoë"
    assert (row["Total"], row["Currency"]) == ("-5.50", "EUR")
    assert row["Status"] == "completed"
    assert row["Test order"] == "no"
    assert "Placed at (UTC)" in header
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="orders-20')


def test_filters_search_and_sequence_of_the_list_apply() -> None:
    make_order(number="A-1", status="completed")
    make_order(number="A-2", status="cancelled")
    make_order(number="B-1", status="completed")
    browser = staff_with_role(AUDITOR)
    for query, numbers in (("?status__exact=completed&o=1", ["A-1", "B-1"]), ("?q=A-&o=-1", ["A-2", "A-1"])):
        assert [line[0] for line in read(export(browser, "orders.Order", query))[1:]] == numbers


def test_the_button_keeps_the_filters_but_not_the_page() -> None:
    make_order()
    page = staff_with_role(AUDITOR).get("/admin/orders/order/?status__exact=completed&p=1")
    assert 'action="/admin/desk/export/orders/order/?status__exact=completed"' in page.content.decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula(name: str) -> None:
    make_order(billing_name=name)
    header, cells = read(export(staff_with_role(AUDITOR), "orders.Order"))
    assert cells[header.index("Billing name")] == f"'{name}"


def test_line_breaks_and_separators_stay_in_their_cell() -> None:
    make_order(billing_name='One,"two";\r\nthree')
    header, cells = read(export(staff_with_role(AUDITOR), "orders.Order"))
    assert cells[header.index("Billing name")] == 'One,"two";\r\nthree'


def test_html_of_the_list_is_text_in_the_file() -> None:
    make_line(make_order(number="<b>&"))
    header, cells = read(export(staff_with_role(AUDITOR), "licenses.LineWithoutSerial", "?waits=0"))
    assert cells[header.index("Order")] == "<b>&"


def test_an_export_is_recorded_with_its_filter_and_rows() -> None:
    make_order()
    browser = staff_with_role(AUDITOR)
    export(browser, "orders.Order", "?status__exact=completed&q=4111111111111111")
    [entry] = LogEntry.objects.all()
    assert entry.content_type.model == "order"
    assert entry.user.groups.get().name == AUDITOR
    assert entry.change_message == ("Exported 0 rows as CSV. Filter: status__exact=completed, q=••••1111")


def test_too_many_rows_are_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_ROWS", 2)
    for _number in range(3):
        make_order()
    browser = staff_with_role(AUDITOR)
    response = export(browser, "orders.Order", "?is_test__exact=0")
    assert response.status_code == 302
    assert response["Location"] == "/admin/orders/order/?is_test__exact=0"
    assert "more than" in browser.get(response["Location"]).content.decode()
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("query", ["?placed_at__gte=never", "?status__exact=%00", "?store__id__exact=x", "?o=a.b"])
def test_invalid_filters_are_no_server_error(query: str) -> None:
    response = export(staff_with_role(AUDITOR), "orders.Order", query)
    assert response.status_code in (200, 302)


def test_a_staff_member_cannot_export_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.views.EXPORT_RATE", Rate(short=2, long=2))
    make_order()
    browser, other = signed_in(make_agent()), signed_in(make_agent())
    assert [export(browser, "orders.order").status_code for _number in range(3)] == [200, 200, 302]
    assert export(other, "orders.order").status_code == 200


def test_queries_do_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.views.EXPORT_RATE", Rate(short=1000, long=1000))
    browser = signed_in(make_agent())

    def count(label: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            read(export(browser, label, ALL_ROWS.get(label, "")))
        return len(queries)

    make_busy_person(rows=2)
    store = make_store()
    SkuMapping.mappings.create(store=store, code="A")
    for label in EXPORTED:
        count(label)  # content types and the like are cached
    before = {label: count(label) for label in EXPORTED}
    make_busy_person(rows=4, address="bob@example.com")
    for code in "BCD":
        SkuMapping.mappings.create(store=store, code=code)
    assert {label: count(label) for label in EXPORTED} == before


def test_rows_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    numbers = [make_order(number=f"A-{index}").number for index in range(5)]
    response = export(staff_with_role(AUDITOR), "orders.Order", "?o=1")
    parts = list(response.streaming_content)
    assert len(parts) == 4  # the header, and three parts of the rows
    assert [number for number in numbers if number.encode() in b"".join(parts)] == numbers
