"""Versions of a return policy: read-only once in force, and copied to create a new one."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from orders.models import Store
from refunds.models import AutoApprovalLimit, ReturnException, ReturnPolicy
from tests.factories import make_agent, make_product, make_store
from tests.pages import marks, text

pytestmark = pytest.mark.django_db

LIST = "/admin/refunds/returnpolicy/"


@pytest.fixture
def staff_client() -> Client:
    return signed_in(make_agent(username="ada"))


@pytest.fixture
def store() -> Store:
    return make_store(time_zone="Pacific/Auckland")


@pytest.fixture
def in_force(store: Store) -> ReturnPolicy:
    policy = ReturnPolicy.objects.create(
        store=store, in_force_from=timezone.now() - timedelta(days=1), days=45, revokes_serials=True
    )
    ReturnException.objects.create(policy=policy, product=make_product(), kind="renewal", days=None)
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to="20.00")
    return policy


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def policy_form(store: Store, moment: datetime, days: int = 10) -> dict[str, str]:
    management = {
        f"{part}-{count}_FORMS": "0"
        for part in ("exceptions", "auto_approval_limits")
        for count in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")
    }
    begins = {"in_force_from_0": f"{moment:%Y-%m-%d}", "in_force_from_1": f"{moment:%H:%M:%S}"}
    return {"store": str(store.pk), "days": str(days)} | begins | management


def copied(staff_client: Client, policy: ReturnPolicy, day: str) -> str:
    return text(staff_client.post(f"{LIST}{policy.pk}/copy/", {"first_day": day}, follow=True))


def test_a_version_in_force_can_neither_be_changed_nor_deleted(staff_client: Client, in_force: ReturnPolicy) -> None:
    page = f"{LIST}{in_force.pk}/"
    staff_client.post(f"{page}change/", policy_form(in_force.store, timezone.now() + timedelta(days=2), days=1))
    staff_client.post(f"{page}delete/", {"post": "yes"})
    staff_client.post(LIST, {"action": "delete_selected", "_selected_action": [in_force.pk], "post": "yes"})
    assert ReturnPolicy.objects.get().days == 45
    assert in_force.exceptions.count() == in_force.auto_approval_limits.count() == 1
    assert "_save" not in marks(staff_client.get(f"{page}change/"), "name")


def test_a_copy_has_all_rules_and_starts_at_the_stores_midnight(staff_client: Client, in_force: ReturnPolicy) -> None:
    assert marks(staff_client.get(f"{LIST}{in_force.pk}/change/"), "data-action") == ["copy"]
    day = (timezone.now() + timedelta(days=9)).astimezone(in_force.store.tzinfo)
    page_text = copied(staff_client, in_force, f"{day:%Y-%m-%d}")
    assert "This is the new version" in page_text
    new = ReturnPolicy.objects.exclude(pk=in_force.pk).get()
    begins = new.in_force_from.astimezone(in_force.store.tzinfo)
    assert (begins.date(), begins.hour, begins.minute) == (day.date(), 0, 0)
    assert (new.days, new.revokes_serials, new.activated_may_return) == (45, True, True)
    exception = new.exceptions.get()
    assert (exception.product, exception.kind, exception.days) == (in_force.exceptions.get().product, "renewal", None)
    assert str(new.auto_approval_limits.get().up_to) == "20.000"
    assert in_force.exceptions.count() == 1
    assert staff_client.get(f"{LIST}{new.pk}/change/").context["has_change_permission"]


@pytest.mark.parametrize("day", ["", "soon", "2020-01-01", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_copy_with_a_past_or_invalid_first_day_is_refused(
    staff_client: Client, in_force: ReturnPolicy, day: str
) -> None:
    copied(staff_client, in_force, day)
    assert ReturnPolicy.objects.count() == 1


def test_two_versions_cannot_start_on_the_same_day(staff_client: Client, in_force: ReturnPolicy) -> None:
    day = f"{timezone.now() + timedelta(days=9):%Y-%m-%d}"
    copied(staff_client, in_force, day)
    assert "This store already has a version from that date." in copied(staff_client, in_force, day)
    assert ReturnPolicy.objects.count() == 2
    assert ReturnException.objects.count() == 2


def test_only_the_first_version_of_a_store_may_start_in_the_past(staff_client: Client, store: Store) -> None:
    past = datetime(2020, 1, 1, tzinfo=store.tzinfo)
    staff_client.post(f"{LIST}add/", policy_form(store, past))
    assert ReturnPolicy.objects.get().in_force_from == past
    page_text = text(staff_client.post(f"{LIST}add/", policy_form(store, past + timedelta(days=700), days=1)))
    assert "Choose a later date." in page_text
    assert ReturnPolicy.objects.count() == 1
    staff_client.post(f"{LIST}add/", policy_form(store, timezone.now() + timedelta(days=3)))
    coming = ReturnPolicy.objects.order_by("-in_force_from")[0]
    staff_client.post(f"{LIST}{coming.pk}/change/", policy_form(store, past + timedelta(days=1)))
    coming.refresh_from_db()
    assert coming.in_force_from > timezone.now()


def test_users_with_view_permission_cannot_copy(in_force: ReturnPolicy) -> None:
    viewer = User.objects.create(username="vera", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_returnpolicy"))
    staff_client = signed_in(viewer)
    assert marks(staff_client.get(f"{LIST}{in_force.pk}/change/"), "data-action") == []
    day = f"{timezone.now() + timedelta(days=9):%Y-%m-%d}"
    assert staff_client.post(f"{LIST}{in_force.pk}/copy/", {"first_day": day}).status_code == 403
    response = Client().post(f"{LIST}{in_force.pk}/copy/", {"first_day": day})
    assert response["Location"].startswith("/admin/login/")
    assert ReturnPolicy.objects.count() == 1
