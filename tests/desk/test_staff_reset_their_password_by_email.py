"""Staff reset a forgotten password by email. A stranger learns nothing from it, and the second factor stays."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from desk.models import PasswordReset
from desk.password_reset import ADDRESS_RATE, CLIENT_RATE
from desk.roles import SUPERVISOR
from desk.tasks import delete_old_staff_data
from notifications import delivery
from notifications.models import Message
from tests.desk.signing_in import CODE, enter_password, is_signed_in, make_authenticator, make_staff, sign_in
from tests.desk.staff import code_of, staff_with_role, verified
from tests.pages import text
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db

ASK = "/admin/password-reset/"
ADDRESS = "ann@vendor.example"
NEW = "a new and longer password"


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def ann() -> User:
    return make_staff(email=ADDRESS)


def ask(email: str, browser: Client | None = None, **headers: str) -> object:
    return (browser or Client(**headers)).post(ASK, {"email": email})


def deliver(server: MailServer) -> list[str]:
    while delivery.deliver_due():
        pass
    return [email.get_body(("plain",)).get_content() for email in server.emails]


def link_in(email: str) -> str:
    found = re.search(r"http://testserver(/admin/password-reset/\S+/)", email)
    assert found is not None
    return found[1]


def choose(link: str, password: str = NEW, browser: Client | None = None) -> object:
    browser = browser or Client()
    page = browser.get(link, follow=True)
    return browser.post(page.request["PATH_INFO"], {"new_password1": password, "new_password2": password})


def test_the_link_sets_a_new_password_and_the_second_factor_stays(ann: User, mail_server: MailServer) -> None:
    phone = make_authenticator(ann)
    lost = sign_in(phone)
    ask(f" {ADDRESS.upper()} ")
    [email] = deliver(mail_server)
    assert mail_server.emails[0]["To"] == ADDRESS
    assert "ann" in email
    browser = Client()
    page = browser.get(link_in(email), follow=True)
    assert page.redirect_chain[0][0].endswith("/set-password/")  # the token isn't in the address of the form
    assert choose(link_in(email), browser=browser)["Location"] == "/admin/login/"
    assert not is_signed_in(browser)
    assert not is_signed_in(lost)
    assert LogEntry.objects.filter(user=ann, change_message="Password reset by email").count() == 1
    assert enter_password(browser).status_code == 200  # the old one
    assert enter_password(browser, password=NEW)["Location"] == CODE
    assert not is_signed_in(browser)
    TOTPDevice.objects.update(last_t=-1)
    browser.post(CODE, {"code": code_of(phone)})
    assert is_signed_in(browser)


def test_a_link_works_once(ann: User, mail_server: MailServer) -> None:
    ask(ADDRESS)
    link = link_in(deliver(mail_server)[0])
    choose(link)
    assert "expired or was used" in text(Client().get(link))
    choose(link, "yet another password")
    ann.refresh_from_db()
    assert ann.check_password(NEW)


def test_a_link_expires_after_an_hour(ann: User, mail_server: MailServer) -> None:
    ask(ADDRESS)
    link = link_in(deliver(mail_server)[0])
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "expired or was used" in text(Client().get(link))


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}], ids=["inactive", "no staff"])
def test_a_link_dies_with_the_login(ann: User, mail_server: MailServer, change: dict[str, bool]) -> None:
    ask(ADDRESS)
    link = link_in(deliver(mail_server)[0])
    User.objects.update(**change)
    assert "expired or was used" in text(Client().get(link))


@pytest.mark.parametrize(
    "path", ["MQ/x/", "x/y/", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5/abc-def/", "_w/abc-def/", "MQ/set-password/", "-/-/"]
)
def test_a_made_up_link_is_refused(ann: User, path: str) -> None:
    assert "expired or was used" in text(Client().get(f"{ASK}{path}"))
    assert "expired or was used" in text(Client().post(f"{ASK}{path}", {"new_password1": NEW, "new_password2": NEW}))


@pytest.mark.parametrize("password", ["short", "", "password1234", "x\x00" * 9])
def test_a_weak_password_is_refused(ann: User, mail_server: MailServer, password: str) -> None:
    ask(ADDRESS)
    assert choose(link_in(deliver(mail_server)[0]), password).status_code == 200
    ann.refresh_from_db()
    assert not ann.check_password(password)


def test_known_and_unknown_addresses_get_the_same_answer_and_only_staff_an_email(
    ann: User, mail_server: MailServer
) -> None:
    make_staff("eve", email="eve@vendor.example", is_staff=False, is_superuser=False)
    make_staff("out", email="out@vendor.example", is_active=False)
    nobody = make_staff("nobody", email="sso@vendor.example")
    nobody.set_unusable_password()
    nobody.save()
    addresses = [ADDRESS, "stranger@example.com", "eve@vendor.example", "out@vendor.example", "sso@vendor.example"]
    answers = []
    for number, address in enumerate(addresses):
        browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        answer = ask(address, browser)
        answers.append((answer.status_code, answer["Location"], text(browser.get("/admin/login/"))))
    assert set(answers) == {answers[0]}
    deliver(mail_server)
    assert {str(email["To"]) for email in mail_server.emails} == {ADDRESS}


def test_every_address_costs_the_same_queries(ann: User) -> None:
    made = []
    for address in (ADDRESS, "stranger@example.com"):
        with CaptureQueriesContext(connection) as queries:
            ask(address)
        made.append([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries])
    assert made[0] == made[1]
    assert PasswordReset.objects.count() == 2


def test_colleagues_who_read_the_email_get_no_link(ann: User, mail_server: MailServer) -> None:
    ask(ADDRESS)
    deliver(mail_server)
    page = verified(staff_with_role(SUPERVISOR)).get(f"/admin/desk/email/{Message.objects.get().pk}/")
    link = link_in(html.unescape(page.content.decode()))
    assert link.endswith("/hidden/")
    assert "expired or was used" in text(Client().get(link))


def test_several_logins_with_one_address_get_a_link_each(ann: User, mail_server: MailServer) -> None:
    make_staff("bob", email=ADDRESS)
    ask(ADDRESS)
    [email] = deliver(mail_server)
    links = re.findall(r"http://testserver/admin/password-reset/\S+/", email)
    assert len(set(links)) == 2


def test_an_address_is_limited_whether_it_is_known_or_not(ann: User) -> None:
    for address in (ADDRESS, "stranger@example.com"):
        statuses = [ask(address, REMOTE_ADDR=f"198.51.100.{number}").status_code for number in range(5)]
        assert statuses == [302] * ADDRESS_RATE.short + [429] * (5 - ADDRESS_RATE.short)
    assert PasswordReset.objects.count() == 2 * ADDRESS_RATE.short


def test_a_client_is_limited(ann: User) -> None:
    statuses = [ask(f"{number}@example.com", REMOTE_ADDR="198.51.100.1").status_code for number in range(12)]
    assert statuses == [302] * CLIENT_RATE.short + [429] * 2


@pytest.mark.parametrize("email", ["", "x", "a@b\x00.example", "x" * 400 + "@example.com", "a b@c.de", "@", "a@\udc80"])
def test_what_is_no_address_is_refused_at_its_field(email: str) -> None:
    page = Client().post(
        ASK, urlencode({"email": email}, errors="surrogateescape"), content_type="application/x-www-form-urlencoded"
    )
    assert page.status_code == 200
    assert page.context["form"].errors["email"]
    assert not Message.objects.exists()


def test_the_login_page_links_to_it() -> None:
    assert ASK in Client().get("/admin/login/").content.decode()


def test_old_requests_are_deleted() -> None:
    ask(ADDRESS)
    delete_old_staff_data()
    assert PasswordReset.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        delete_old_staff_data()
    assert not PasswordReset.objects.exists()


def test_the_email_and_its_pages_speak_the_language_of_the_page(ann: User, mail_server: MailServer) -> None:
    browser = Client(headers={"accept-language": "de"})
    assert '<html lang="de"' in browser.get(ASK).content.decode()
    ask(ADDRESS, browser)
    deliver(mail_server)
    assert Message.objects.get().language == "de"
    assert 'lang="de"' in mail_server.emails[0].get_body(("html",)).get_content()
