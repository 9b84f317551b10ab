"""The home page counts what waits for support, and the sidebar leads to every list that a role may see."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.html import escape

from desk.navigation import GROUPS
from desk.roles import AGENT, EDITOR, FINANCE, SUPERVISOR
from portal.models import Heartbeat
from refunds.models import Return
from support.models import Thread
from tests.desk.people import bounce
from tests.desk.staff import staff_with_role
from tests.factories import make_agent, make_order, make_reason
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


def make_threads(count: int, **fields: object) -> None:
    for _number in range(count):
        Thread.objects.create(kind="contact", subject="Question", email="ann@example.com", **fields)


def test_threads_that_nobody_is_assigned_to_and_my_own_are_counted_and_listed() -> None:
    now = timezone.now()
    browser = staff_with_role(AGENT)
    me, other = User.objects.get(), make_agent(username="other")
    make_threads(1)
    make_threads(2, assigned_to=me, due_at=now - timedelta(hours=1))
    make_threads(1, assigned_to=me, due_at=now + timedelta(hours=1))
    make_threads(1, assigned_to=me, status="answered", due_at=now - timedelta(hours=1))
    make_threads(1, assigned_to=me, status="closed", closed_at=now)
    make_threads(5, assigned_to=other)
    page = browser.get("/admin/")
    [mine] = page.context["my_queues"]
    assert (mine.mine, mine.due_within_a_day, mine.overdue) == (4, 3, 2)
    threads = next(each for each in page.context["work_queues"] if each.case_type is Thread)
    assert (threads.waiting, threads.unassigned) == (9, 1)
    for url, count in (
        (mine.url, 4),
        (mine.due_url, 3),
        (mine.overdue_url, 2),
        (threads.unassigned_url, 1),
        (threads.oldest_url, 1),
    ):
        assert f'href="{escape(url)}"' in page.content.decode()
        assert len(browser.get(url).context["cl"].result_list) == count


def test_requests_are_mine_if_they_are_assigned_to_me_and_not_if_i_only_worked_on_them() -> None:
    browser = staff_with_role(AGENT)
    me = User.objects.get()
    make_returns(1, assigned_to=me)
    make_returns(1)
    case = Return.objects.latest("pk")
    case.events.create(actor="staff", by=me, from_status="received", to_status="received", note="x")
    [mine] = browser.get("/admin/").context["my_queues"]
    assert (mine.case_type, mine.mine) == (Return, 1)
    assert len(browser.get(mine.url).context["cl"].result_list) == 1


def test_emails_that_bounced_today_are_counted_and_listed() -> None:
    bounce()
    bounce("late@example.com", timezone.now() - timedelta(days=1))
    browser = staff_with_role(AGENT)
    [bounced] = [each for each in browser.get("/admin/").context["troubles"] if "notifications" in each.url]
    assert bounced.count == 1
    assert len(browser.get(bounced.url).context["cl"].result_list) == 1


def test_staff_see_that_the_portal_works_or_what_is_wrong() -> None:
    Heartbeat.record()
    assert "The portal works" in text(staff_with_role(AGENT).get("/admin/"))
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    page = text(staff_with_role(EDITOR).get("/admin/"))
    assert "The portal needs attention" in page
    assert "Problem: Background tasks" in page
    assert "last seen 5 min ago" in page


def test_problems_are_shown_to_those_who_see_what_they_are_about() -> None:
    Heartbeat.record()
    Group.objects.get(name=EDITOR).permissions.clear()
    supervisor, agent = staff_with_role(SUPERVISOR), staff_with_role(AGENT)
    assert "Warning: Staff roles" in text(supervisor.get("/admin/"))
    assert "Staff roles" not in text(agent.get("/admin/"))


def test_the_queries_of_the_home_page_do_not_grow_with_the_cases(django_assert_max_num_queries) -> None:
    make_returns(20)
    make_threads(20)
    browser = staff_with_role(AGENT)
    with django_assert_max_num_queries(16):
        browser.get("/admin/")
