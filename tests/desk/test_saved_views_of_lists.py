"""Lists offer their saved views as tabs above them."""

import pytest
from django.urls import reverse

from desk.saved_views import SAVED_VIEWS
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_order
from tests.pages import marks, text

pytestmark = pytest.mark.django_db


def list_url(label: str) -> str:
    app, model = label.lower().split(".")
    return reverse(f"admin:{app}_{model}_changelist")


@pytest.mark.parametrize("label", SAVED_VIEWS)
def test_each_view_opens_and_is_marked_as_the_current_one(label: str) -> None:
    browser = signed_in(make_agent())
    for name, query in SAVED_VIEWS[label]:
        page = browser.get(list_url(label), query)
        assert page.status_code == 200
        assert not page.context["cl"].params.get("e")
        [current] = [tab for tab in page.context["desk_saved_views"] if tab.is_current]
        assert current.label == name
        assert str(name) in text(page)


def test_with_another_filter_no_view_is_marked() -> None:
    page = signed_in(make_agent()).get(list_url("notifications.Message"), {"kind": "order_confirmation"})
    assert not any(tab.is_current for tab in page.context["desk_saved_views"])


def test_other_lists_have_none() -> None:
    make_order()
    page = signed_in(make_agent()).get("/admin/orders/order/")
    assert page.context["desk_saved_views"] == []
    assert "page" not in marks(page, "aria-current")
