"""Each group of the search requires the permission to view what it shows, and so does each way to find it."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from desk.roles import AGENT, AUDITOR, EDITOR, FINANCE, ROLES, SUPERVISOR
from refunds.models import Return
from tests.desk.searching import CODE, REFERENCE, SERIAL, found, make_shop
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_reason

pytestmark = pytest.mark.django_db

GROUPS = ("people", "orders", "licenses", "cases", "emails", "articles")
ADDRESS = "ann.archer@example.com"
EVERYTHING = {"people", "orders", "licenses", "cases", "emails"}
BY_ROLE = {
    AGENT: EVERYTHING,
    SUPERVISOR: EVERYTHING,
    AUDITOR: EVERYTHING,
    FINANCE: {"people", "orders", "cases"},
    EDITOR: set(),
}
OF_GROUP = {
    "orders": "orders.view_order",
    "licenses": "licenses.view_license",
    "cases": "support.view_thread",
    "emails": "notifications.view_message",
}


def filled(answer: dict[str, list[object]]) -> set[str]:
    return {group for group in GROUPS if answer[group]}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_finds_only_what_it_may_see(role: str) -> None:
    orders = make_shop()
    order = orders["A-100234"]
    Return.objects.create(order=order, reason=make_reason(), amount=1, currency="EUR", status=Return.Status.RECEIVED)
    browser = staff_with_role(role)
    answer = found(browser, ADDRESS)
    assert filled(answer) == BY_ROLE[role]
    text = json.dumps(answer)
    assert (SERIAL in text) == ("licenses" in BY_ROLE[role])
    assert (REFERENCE in text) == ("emails" in BY_ROLE[role])  # finance sees returns, but no threads
    assert filled(found(browser, "Cancel the renewal")) == ({"articles"} if role != FINANCE else set())


@pytest.mark.parametrize("typed", [SERIAL, "XAAB-7391", "7391-5527-0146-8830", "XAAB-7391-5527-0146-8803"])
def test_without_the_permission_a_serial_number_leads_to_nothing(typed: str) -> None:
    make_shop()
    assert filled(found(staff_with_role(FINANCE), typed)) == set()
    assert "orders" in filled(found(staff_with_role(AGENT), typed))


@pytest.mark.parametrize("typed", [REFERENCE, "7K3M9Q2P", "M-7K3M9QP2", CODE, "7K3M9Q2P4TAX"])
def test_without_the_permission_threads_and_emails_lead_to_nothing(typed: str) -> None:
    make_shop()
    assert filled(found(staff_with_role(FINANCE), typed)) == set()
    assert "orders" in filled(found(staff_with_role(AGENT), typed))


@pytest.mark.parametrize(("group", "permission"), OF_GROUP.items())
def test_each_group_needs_its_permission(group: str, permission: str) -> None:
    make_shop()
    with_all = staff_with(*OF_GROUP.values())
    assert group in filled(found(with_all, ADDRESS))
    others = [each for each in OF_GROUP.values() if each != permission]
    assert group not in filled(found(staff_with(*others), ADDRESS))
    assert filled(found(staff_with(), ADDRESS)) == set()


def test_bank_details_are_not_even_loaded(django_assert_max_num_queries: Any) -> None:
    make_shop()
    browser = signed_in(make_agent())
    for typed in ("A-100234", "K-7K3M9Q2P"):
        with django_assert_max_num_queries(100) as queries:
            found(browser, typed)
        statements = [query["sql"] for query in queries.captured_queries if "cashbackclaim" in query["sql"]]
        assert statements
        assert not any("payout" in statement for statement in statements)


@pytest.mark.parametrize("path", ["/admin/desk/search/?q=ann", "/admin/search/?s=ann&extended=1"])
def test_strangers_are_sent_to_the_login(path: str) -> None:
    make_shop()
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")
    buyer = signed_in(make_agent(is_staff=False, is_superuser=False))
    assert buyer.get(path).status_code == 302


@pytest.mark.parametrize("path", ["/admin/desk/search/?q={}", "/admin/search/?extended=1&s={}"])
def test_results_are_cached_nowhere(path: str) -> None:
    make_shop()
    cache.clear()
    path = path.format(ADDRESS)
    agent, editor = staff_with_role(AGENT), staff_with_role(EDITOR)
    answer = agent.get(path)
    assert "Ann Archer" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "Ann Archer" not in editor.get(path).content.decode()
    assert not any("search" in str(key) for key in getattr(cache, "_cache", {}))


def test_what_was_deleted_is_no_longer_found_by_the_palette() -> None:
    orders = make_shop()
    browser = signed_in(make_agent())
    assert "B-300415" in browser.get("/admin/search/?extended=1&s=B-300415").content.decode()
    orders["B-300415"].delete()
    assert "B-300415" not in browser.get("/admin/search/?extended=1&s=B-300415").content.decode()
