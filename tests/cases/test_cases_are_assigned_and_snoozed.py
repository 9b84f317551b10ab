"""Staff take, assign and snooze cases of every kind, and go on to the next one after a decision."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from cases.refusals import NotPossible
from cases.services import answer_question, ask_question, assign, snooze
from refunds.models import Return
from refunds.services.returns import RequestedLine, request_return
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_line, make_order, make_reason
from tests.pages import text

pytestmark = pytest.mark.django_db

QUEUE = "/admin/refunds/return/"


@pytest.fixture
def agent() -> Client:
    user = make_agent(username="ann", is_superuser=False)
    user.groups.add(Group.objects.get(name="agent"))
    return signed_in(user)


def make_return(due_in: timedelta = timedelta(days=3)) -> Return:
    order = make_order(placed_at=timezone.now())
    case = request_return(order, [RequestedLine(make_line(order).pk, 1)], make_reason())
    Return.objects.filter(pk=case.pk).update(due_at=timezone.now() + due_in)
    case.refresh_from_db()
    return case


def decide(browser: Client, case: Return, action: str, **entered: object):
    data = {"action": action} | {f"{action}-{name}": value for name, value in entered.items()}
    if data.pop(f"{action}-next", None):
        data["next"] = 1
    return browser.post(f"{QUEUE}{case.pk}/decide/", data, follow=True)


def in_view(browser: Client, view: str) -> list[str]:
    return [case.reference for case in browser.get(QUEUE, {"todo": view}).context["cl"].result_list]


def test_views_show_and_count_what_their_names_say(agent: Client) -> None:
    late, mine, asked, snoozed = make_return(-timedelta(hours=1)), make_return(), make_return(), make_return()
    staff = make_agent()
    decide(agent, mine, "take")
    ask_question(asked, staff, "Which one?")
    snooze(snoozed, staff, timezone.now() + timedelta(days=1))
    references = {"late": late, "mine": mine, "asked": asked, "snoozed": snoozed}
    expected = {
        "waiting": {"late", "mine"},
        "overdue": {"late"},
        "mine": {"mine"},
        "unassigned": {"late"},
        "buyer": {"asked"},
        "snoozed": {"snoozed"},
        "all": set(references),
    }
    views = {view.url: view for view in agent.get(QUEUE).context["views"]}
    for name, cases in expected.items():
        assert set(in_view(agent, name)) == {references[case].reference for case in cases}, name
        assert views[f"?todo={name}"].count == (None if name == "all" else len(cases)), name


def test_the_first_decision_assigns_a_case_to_who_made_it(agent: Client) -> None:
    case = make_return()
    decide(agent, case, "review")
    case.refresh_from_db()
    assert str(case.assigned_to) == "ann"


def test_a_case_is_assigned_only_to_staff_who_may_decide_on_it(agent: Client) -> None:
    case, other = make_return(), make_agent(is_superuser=False)
    decide(agent, case, "assign", to=other.pk)
    case.refresh_from_db()
    assert case.assigned_to is None
    other.groups.add(Group.objects.get(name="agent"))
    decide(agent, case, "assign", to=other.pk)
    case.refresh_from_db()
    assert case.assigned_to == other
    assert "Assigned to" in case.events.latest("pk").note


def test_selected_cases_are_taken_together(agent: Client) -> None:
    cases = [make_return(), make_return()]
    data = {"action": "take_all", "_selected_action": [case.pk for case in cases]}
    assert "2 cases assigned to you" in text(agent.post(f"{QUEUE}?todo=all", data, follow=True))
    assert Return.objects.filter(assigned_to__username="ann").count() == 2


def test_a_snoozed_case_comes_back_when_its_reply_is_due_or_the_buyer_answers(agent: Client) -> None:
    case, staff = make_return(), make_agent()
    until = timezone.localdate() + timedelta(days=2)
    decide(agent, case, "snooze", until=until.isoformat())
    assert case.reference not in in_view(agent, "waiting")
    Return.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert case.reference in in_view(agent, "waiting")
    assert case.reference in in_view(agent, "overdue")
    Return.objects.update(due_at=timezone.now() + timedelta(days=3))
    ask_question(case, staff, "Which one?")
    answer_question(case, "The first.")
    case.refresh_from_db()
    assert case.snoozed_until is None
    assert case.reference in in_view(agent, "waiting")


@pytest.mark.parametrize("typed", ["", "soon", "2000-01-01", "9999-12-31", "\x00"])
def test_a_day_that_cannot_be_is_an_error_on_the_form(agent: Client, typed: str) -> None:
    case = make_return()
    assert 'role="alert"' in decide(agent, case, "snooze", until=typed).content.decode()
    case.refresh_from_db()
    assert case.snoozed_until is None


def test_what_waits_for_the_buyer_cannot_be_snoozed() -> None:
    case, staff = make_return(), make_agent()
    ask_question(case, staff, "Which one?")
    with pytest.raises(NotPossible):
        snooze(case, staff, timezone.now() + timedelta(days=1))


def test_after_a_decision_the_next_case_that_is_due_is_shown(agent: Client) -> None:
    first, second, third = make_return(timedelta(hours=1)), make_return(timedelta(hours=2)), make_return()
    assign(second, make_agent(), make_agent())  # somebody else's
    answer = decide(agent, first, "approve", next=1)
    assert answer.redirect_chain[-1][0] == f"{QUEUE}{third.pk}/change/"
    answer = decide(agent, third, "approve", next=1)
    assert answer.redirect_chain[-1][0] == QUEUE
    assert "Nothing else waits for you here." in text(answer)


def test_without_that_button_the_page_of_the_case_is_shown_again(agent: Client) -> None:
    case = make_return()
    make_return()
    assert decide(agent, case, "approve").redirect_chain[-1][0] == f"{QUEUE}{case.pk}/change/"


def test_two_agents_who_decide_the_same_case_decide_it_once(agent: Client) -> None:
    case = make_return()
    colleague = signed_in(make_agent())
    decide(agent, case, "approve")
    assert "no longer possible" in text(decide(colleague, case, "approve")) or Return.objects.get().status == "approved"
    assert case.transactions.count() == 1
