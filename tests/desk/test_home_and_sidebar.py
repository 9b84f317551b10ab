"""The home page counts what waits for support, and the sidebar leads to every list that a role may see."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils import timezone

from desk.navigation import GROUPS
from desk.roles import AGENT, EDITOR, FINANCE
from refunds.models import Return
from support.models import Thread
from tests.desk.staff import staff_with_role
from tests.factories import make_order, make_reason
from tests.pages import text
from tests.support.submissions import make_claim

pytestmark = pytest.mark.django_db


def make_returns(count: int, **fields: object) -> None:
    reason = make_reason()
    for _number in range(count):
        Return.objects.create(order=make_order(), reason=reason, amount=1, currency="EUR", status="received", **fields)


def test_every_list_of_the_admin_is_in_the_sidebar_once() -> None:
    listed = [label for _title, labels in GROUPS for label in labels]
    assert len(listed) == len(set(listed))
    assert set(listed) == {model._meta.label for model in admin.site._registry}


def test_the_home_page_counts_what_waits_and_what_is_overdue() -> None:
    now = timezone.now()
    make_returns(2)
    make_returns(1, due_at=now + timedelta(hours=2))
    make_returns(1, due_at=now - timedelta(hours=2))
    make_returns(1, due_at=now - timedelta(hours=2), paused_at=now)  # waits for the buyer
    make_claim()
    page = staff_with_role(AGENT).get("/admin/")
    queues = {queue.case_type: queue for queue in page.context["work_queues"]}
    returns = queues[Return]
    assert (returns.waiting, returns.due_within_a_day, returns.overdue) == (4, 2, 1)
    assert queues[Thread].waiting == 1
    assert "Returns 4 2 1" in text(page)


@pytest.mark.parametrize("todo", ["waiting", "today", "overdue"])
def test_every_number_leads_to_a_list_with_as_many_rows(todo: str) -> None:
    now = timezone.now()
    make_returns(2)
    make_returns(1, due_at=now + timedelta(hours=2))
    make_returns(1, due_at=now - timedelta(hours=2))
    browser = staff_with_role(AGENT)
    queue = next(each for each in browser.get("/admin/").context["work_queues"] if each.case_type is Return)
    counted = {"waiting": queue.waiting, "today": queue.due_within_a_day, "overdue": queue.overdue}[todo]
    assert len(browser.get(f"{queue.url}?todo={todo}").context["cl"].result_list) == counted


def test_finance_sees_no_threads_and_an_editor_no_requests() -> None:
    make_returns(1)
    finance, editor = staff_with_role(FINANCE).get("/admin/"), staff_with_role(EDITOR).get("/admin/")
    assert "/admin/support/thread/" not in finance.content.decode()
    assert "/admin/refunds/return/" in finance.content.decode()
    assert "/admin/refunds/return/" not in editor.content.decode()
    assert "/admin/support/article/" in editor.content.decode()


def test_the_queries_of_the_home_page_do_not_grow_with_the_cases(django_assert_max_num_queries) -> None:
    make_returns(20)
    browser = staff_with_role(AGENT)
    with django_assert_max_num_queries(9):
        browser.get("/admin/")
