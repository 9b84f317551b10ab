"""After signing out, no page of the browser shows what was typed, found or opened before."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django.fixtures import Settings

from notifications.models import Message
from orders.models import Order
from orders.passwords import portal_password
from tests.desk.signing_in import make_authenticator, make_staff, sign_in
from tests.factories import make_agent, make_article, make_order, make_store
from tests.orders.correction_helpers import post_correction
from tests.support.submissions import submit_claim, submit_message

pytestmark = pytest.mark.django_db

TYPED = ("Ann Typed", "ann.typed@example.com", "My typed words", "B-TYPED-7", "new.typed@example.com")
PAGES = (
    "/",
    "/orders/",
    "/orders/find/",
    "/orders/correct-email/",
    "/orders/correct-email/check/",
    "/withdraw/",
    "/help/contact/",
    "/help/charged/",
    "/help/threads/link-sent/",
    "/cashback/",
    "/licenses/",
    "/downloads/",
)


@pytest.fixture
def order() -> Order:
    return make_order(billing_name="Vera Victim", store=make_store(confirm_card_lookup="always"))


def use_everything(browser: Client, order: Order) -> list[str]:
    """Fill in every form that stores something in the session. Returns the resulting pages."""
    email = "ann.typed@example.com"
    draft = browser.post("/withdraw/", {"name": "Ann Typed", "order_number": "B-TYPED-7", "email": email})
    withdrawal = browser.post(
        "/withdraw/", {"name": "Ann Typed", "order_number": "B-TYPED-7", "email": email, "confirm": "1"}
    )
    message = submit_message(browser, email=email, message="My typed words")
    claim = submit_claim(browser, email=email, message="My typed words")
    make_article("installer-stops")
    assert browser.post("/help/installer-stops/vote/", {"helped": "yes"}).status_code == 302
    found = browser.post("/orders/find/card/", {"email": order.email, "card_last4": order.card_last4})
    assert found.status_code == 302
    browser.post("/orders/find/link/", {"email": order.email})
    typed = {"order_number": order.number, "password": portal_password(order) or ""}
    assert browser.post("/orders/find/number/", typed).status_code == 302
    assert post_correction(order, browser, new_email="new.typed@example.com").status_code == 303
    page = f"/orders/{order.public_id}/"
    return [draft["Location"], withdrawal["Location"], message.path, claim.path, page, f"{page}code/", f"{page}return/"]


def test_no_page_shows_anything_after_signing_out(client: Client, order: Order) -> None:
    pages = [*use_everything(client, order), *PAGES]
    before = "".join(client.get(page, follow=True).content.decode() for page in pages)
    assert all(trace in before for trace in TYPED[:4]), "the test must open pages that show what was typed"
    key = client.session.session_key
    client.post("/orders/sign-out/")
    assert not Session.objects.filter(session_key=key).exists()
    for page in pages:
        shown = client.get(page, follow=True).content.decode()
        assert not [trace for trace in (*TYPED, "Vera Victim", order.number) if trace in shown], page


def test_the_session_is_empty_after_signing_out(client: Client, order: Order) -> None:
    use_everything(client, order)
    assert set(client.session.keys()) >= {"grants", "withdrawals", "correction", "drafts"}
    client.post("/orders/sign-out/")
    assert list(client.session.keys()) == []


def test_signing_out_forgets_also_without_an_open_order(client: Client) -> None:
    typed = {"name": "Ann Typed", "order_number": "B-1", "email": "ann.typed@example.com", "confirm": "1"}
    page = client.post("/withdraw/", typed)["Location"]
    assert "Ann Typed" in client.get(page).content.decode()
    client.post("/orders/sign-out/")
    assert "Ann Typed" not in client.get(page, follow=True).content.decode()


def test_what_a_future_page_keeps_is_forgotten_too(client: Client) -> None:
    session = client.session
    session["draft of something new"] = "Ann Typed"
    session.save()
    client.post("/orders/sign-out/")
    assert list(client.session.keys()) == []


def test_staff_stay_signed_in_to_the_admin(client: Client, order: Order) -> None:
    client.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    use_everything(client, order)
    client.post("/orders/sign-out/")
    assert client.get("/admin/").status_code == 200
    kept = [key for key in client.session.keys() if not key.startswith("_auth_user")]  # noqa: SIM118
    assert set(kept) <= set(django_settings.STAFF_SESSION_KEYS)


def test_staff_with_a_second_factor_stay_signed_in_to_the_admin(order: Order, settings: Settings) -> None:
    settings.DEMO = False
    browser = sign_in(make_authenticator(make_staff()))
    expiry = browser.session.get_expiry_date()
    use_everything(browser, order)
    browser.post("/orders/sign-out/")
    assert browser.get("/admin/").status_code == 200
    assert browser.session.get_expiry_date() == expiry


def test_emails_that_are_on_their_way_are_not_lost(client: Client, order: Order) -> None:
    use_everything(client, order)
    emails = Message.objects.count()
    client.post("/orders/sign-out/")
    assert Message.objects.count() == emails > 3


def test_every_use_of_the_session_is_covered_above() -> None:
    """Add new uses to `use_everything`, unless only staff have them."""
    root = Path(django_settings.BASE_DIR)
    users = {
        str(path.relative_to(root))
        for app in apps.get_app_configs()
        if root in Path(app.path).parents and ".venv" not in app.path
        for path in Path(app.path).rglob("*.py")
        if re.search(r"request\.session\b", path.read_text())
    }
    of_staff = {"desk/account.py", "desk/password_reset.py", "desk/sign_in.py", "desk/staff_sessions.py"}
    assert users - of_staff == {
        "cases/just_sent.py",
        "orders/access/codes.py",
        "orders/access/grants.py",
        "orders/access/links.py",
        "orders/access/lookups.py",
        "orders/drafts.py",
        "refunds/views/withdrawals.py",
        "support/views/help_pages.py",
    }
