"""Errors are mailed to `ERROR_EMAILS`: where they happened, and nothing about persons. A storm is a few emails."""

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from orders.models import RateLimitCounter
from portal.watching import error_mail
from tests.smtp import SILENT, MailServer
from tests.waiting import wait_until

OPS = ["ops@vendor.example", "dev@vendor.example"]
EMAIL, TOKEN, NAME, WORD = "anna@buyer.example", "a-secret-token-123", "Archer", "hunter2-typed"


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as started:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", started.port
        settings.ERROR_EMAILS = OPS
        yield started


@pytest.fixture
def mailing(server: MailServer, transactional_db: None) -> Iterator[MailServer]:
    """A process that mails its errors, as after a start with ERROR_EMAILS."""
    error_mail._new_mailer()
    handler = error_mail.ErrorMailHandler(logging.ERROR)
    logging.getLogger().addHandler(handler)
    yield server
    logging.getLogger().removeHandler(handler)
    error_mail.finish_mails()
    RateLimitCounter.objects.filter(key__startswith="error_mail:").delete()


@pytest.fixture
def broken_page(monkeypatch: pytest.MonkeyPatch) -> str:
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError(f"no row for {EMAIL} with {TOKEN}, {NAME} typed {WORD}")

    monkeypatch.setattr("orders.views.find.render", fail)
    return "/orders/find/"


def open_page(path: str) -> str:
    """Open a broken page with everything that a report could quote. Returns the request's id."""
    browser = Client(
        raise_request_exception=False,
        headers={"User-Agent": NAME, "Cookie": f"sessionid={TOKEN}", "Referer": f"https://x.example/{EMAIL}"},
        REMOTE_ADDR="203.0.113.77",
    )
    response = browser.post(f"{path}card/?email={EMAIL}&next={TOKEN}", {"email": EMAIL, "last4": WORD, "name": NAME})
    assert response.status_code == 500
    return response.headers["X-Request-ID"]


def received(server: MailServer) -> list[str]:
    error_mail.finish_mails(10)
    return [str(email) for email in server.emails]


def test_an_error_says_where_it_happened_and_nothing_about_the_visitor(mailing: MailServer, broken_page: str) -> None:
    request_id = open_page(broken_page)
    [text] = received(mailing)
    assert mailing.recipients == OPS
    assert "RuntimeError" in text
    assert "view orders:find_card" in text
    assert "tests/portal/test_errors_are_mailed_without_persons.py" in text  # the place
    assert request_id in text
    assert "Auto-Submitted: auto-generated" in text
    for secret in (EMAIL, "anna", TOKEN, NAME, WORD, "203.0.113.77", "sessionid", "no row", "?"):
        assert secret not in text, secret


def test_a_storm_is_one_email(mailing: MailServer, broken_page: str) -> None:
    for _request in range(30):
        open_page(broken_page)
    assert len(received(mailing)) == 1


def test_many_different_errors_are_a_few_emails(mailing: MailServer) -> None:
    for number in range(30):
        logging.getLogger(f"portal.part{number}").error("It failed for %s", EMAIL)
    texts = received(mailing)
    assert len(texts) == error_mail.TOTAL_RATE.short
    assert not any(EMAIL in text for text in texts)


def test_all_processes_share_the_limit(mailing: MailServer, broken_page: str) -> None:
    open_page(broken_page)
    assert len(received(mailing)) == 1
    error_mail._new_mailer()  # as another process has it
    open_page(broken_page)
    assert len(received(mailing)) == 1


def test_without_a_database_errors_are_mailed_once_by_each_process(
    mailing: MailServer, broken_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(*_args: Any) -> bool:
        raise OperationalError(f"connection refused for {EMAIL}")

    monkeypatch.setattr("portal.watching.error_mail.consume", no_database)
    for _request in range(3):
        open_page(broken_page)
    [text] = received(mailing)
    assert EMAIL not in text


@pytest.mark.parametrize("trouble", ["down", "refusing", "silent"])
def test_a_broken_mail_server_delays_no_page_and_mails_no_error_about_itself(
    mailing: MailServer,
    broken_page: str,
    trouble: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("portal.watching.error_mail.MAIL_TIMEOUT", 0.5)
    if trouble == "down":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            settings.EMAIL_PORT = closed.getsockname()[1]
    elif trouble == "refusing":
        mailing.at("RCPT", lambda envelope: f"550 5.1.1 {EMAIL} is unknown")
    else:
        mailing.at("MAIL", lambda envelope: SILENT)
    began = time.monotonic()
    open_page(broken_page)
    if trouble == "silent":
        assert time.monotonic() - began < 5
    wait_until(lambda: "couldn't be mailed" in caplog.text, "the line in the log", 10)
    assert received(mailing) == []
    [line] = [record for record in caplog.records if record.name == "portal.watching.error_mail"]
    assert line.levelno == logging.WARNING
    assert EMAIL not in line.getMessage()


def test_a_wrong_host_mails_nothing(mailing: MailServer) -> None:
    assert Client().get("/", headers={"Host": f"{uuid4().hex}.evil.example"}).status_code == 400
    assert received(mailing) == []


def test_a_failing_task_is_named(mailing: MailServer) -> None:
    try:
        raise ValueError(EMAIL)
    except ValueError:
        context = {"name": "notifications.tasks.deliver_due", "args": f"[{EMAIL}]", "exc": EMAIL}
        logging.getLogger("celery.app.trace").error(
            "Task %(name)s raised: %(exc)s", context, exc_info=True, extra={"data": context}
        )
    [text] = received(mailing)
    assert "task notifications.tasks.deliver_due" in text
    assert "ValueError" in text
    assert EMAIL not in text


def test_the_report_names_the_class_of_an_error_in_a_module() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "", None, (OperationalError, OperationalError(), None))
    assert error_mail.make_report(record).kind == "django.db.utils.OperationalError"
