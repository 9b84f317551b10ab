"""Staff tag cases of every kind, and filter queues by a tag."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases import services
from cases.refusals import NotPossible
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import Thread
from tests.desk.people import make_busy_person
from tests.desk.staff import signed_in, staff_with
from tests.factories import make_agent
from tests.pages import text

pytestmark = pytest.mark.django_db

CASE_TYPES = [Return, Withdrawal, Swap, CashbackClaim, Thread]


@pytest.fixture
def agent() -> User:
    return make_agent(username="ada")


@pytest.fixture
def case() -> Return:
    make_busy_person()
    return Return.objects.get()


def queue(case_type: Any) -> str:
    return f"/admin/{case_type._meta.app_label}/{case_type._meta.model_name}/"


def tag(browser: Any, case: Any, typed: str) -> Any:
    return browser.post(f"{queue(type(case))}{case.pk}/decide/", {"action": "tag", "tag-tags": typed}, follow=True)


def test_tags_are_lower_case_each_once_and_sorted(case: Return, agent: User) -> None:
    tag(signed_in(agent), case, " Reseller ,gift,GIFT,,  school   license")
    case.refresh_from_db()
    assert case.tags == ["gift", "reseller", "school license"]
    assert case.events.last().note == "Tags: gift, reseller, school license."


def test_the_same_tags_again_leave_no_note(case: Return, agent: User) -> None:
    services.set_tags(case, agent, ["gift"])
    events = case.events.count()
    services.set_tags(case, agent, ["Gift"])
    assert case.events.count() == events


@pytest.mark.parametrize("tags", [["x" * 41], [f"t{number}" for number in range(11)]])
def test_too_many_and_too_long_tags_are_refused(case: Return, agent: User, tags: list[str]) -> None:
    with pytest.raises(NotPossible):
        services.set_tags(case, agent, tags)
    case.refresh_from_db()
    assert case.tags == []


def test_a_refused_tag_is_shown_again_with_the_reason(case: Return, agent: User) -> None:
    page = text(tag(signed_in(agent), case, "x" * 41))
    assert "A tag has at most 40 characters." in page


@pytest.mark.parametrize("case_type", CASE_TYPES)
def test_every_queue_filters_by_tag(case_type: Any, agent: User) -> None:
    make_busy_person(rows=2)
    browser = signed_in(agent)
    cases = list(case_type.objects.order_by("pk")[:2])
    if not cases:
        assert case_type is CashbackClaim
        assert browser.get(f"{queue(case_type)}?tag=gift").status_code == 200
        return
    services.set_tags(cases[0], agent, ["gift"])
    page = text(browser.get(f"{queue(case_type)}?tag=gift"))
    assert cases[0].reference in page
    assert cases[1].reference not in page


@pytest.mark.parametrize("typed", ["unknown", "%00", "'", "x" * 500])
def test_a_useless_tag_in_the_address_shows_no_case_and_no_error(case: Return, agent: User, typed: str) -> None:
    page = signed_in(agent).get(f"{queue(Return)}?tag={typed}")
    assert page.status_code == 200
    assert typed == "%00" or case.reference not in text(page)


def test_who_may_only_view_cannot_tag(case: Return) -> None:
    assert tag(staff_with("refunds.view_return"), case, "gift").status_code == 403
