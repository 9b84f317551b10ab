"""The files that one client stores within a day are limited, in all forms together and for simultaneous requests."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from files.models import Upload
from files.purging import purge
from files.services import FileRejected, store_file
from refunds.models import CashbackClaim
from support.models import Thread
from tests.files.factories import files_in, png, upload
from tests.pages import inside, text
from tests.refunds.cashback import make_promotion, make_purchased_license, order_of
from tests.support.submissions import CLAIM_FORM, MESSAGE_FORM, submit_message
from tests.support.test_concurrent_requests import CONCURRENT_RUNS, run_concurrently

pytestmark = pytest.mark.django_db

SENTENCE = "Your network has sent too many files in the last 24 hours."
CLIENT = "127.0.0.1"  # the address of Django's test client

Send = Callable[[Any], HttpResponse]


def message() -> tuple[str, Send]:
    browser = Client()
    return "It says", lambda file: browser.post("/help/contact/", MESSAGE_FORM | {"files": file})


def charge_claim() -> tuple[str, Send]:
    browser = Client()
    return "I found no", lambda file: browser.post("/help/charged/", CLAIM_FORM | {"proof": file})


def reply() -> tuple[str, Send]:
    browser = Client()
    thread = submit_message(browser)
    return "One more", lambda file: browser.post(thread.path, {"message": "One more thing", "files": file})


def cashback_claim() -> tuple[str, Send]:
    license = make_purchased_license()
    assert license.product is not None
    make_promotion(license.product)
    browser = inside(order_of(license))
    typed = {"serial": license.serial, "country": "DE", "payout_method": "original"}
    return license.serial, lambda file: browser.post("/cashback/", typed | {"proof": file})


FORMS = [message, charge_claim, reply, cashback_claim]


def store(client: str | None = CLIENT) -> Upload:
    return store_file(upload(png()), client=client)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form_counts_its_files_and_refuses_the_first_that_is_too_many(
    settings: Settings, upload_folder: Path, form: Callable[[], tuple[str, Send]]
) -> None:
    settings.UPLOAD_DAILY_FILES = 2
    typed, send = form()
    store()
    before = Thread.objects.count() + CashbackClaim.objects.count()
    assert send(upload(png(), "one.png")).status_code == 302
    after = Thread.objects.count() + CashbackClaim.objects.count()
    assert after + (form is reply) == before + 1
    assert Upload.objects.filter(client_key="").count() == 0
    typed, send = form()
    now = Thread.objects.count() + CashbackClaim.objects.count()
    answer = send(upload(png(), "two.png"))
    assert answer.status_code == 422
    assert SENTENCE in text(answer)
    assert typed in answer.content.decode()
    assert Thread.objects.count() + CashbackClaim.objects.count() == now
    assert Upload.objects.count() == len(files_in(upload_folder)) == 2


def test_several_files_of_one_message_are_stored_together_or_not_at_all(
    settings: Settings, upload_folder: Path
) -> None:
    settings.UPLOAD_DAILY_FILES = 2
    _typed, send = message()
    answer = send([upload(png(), f"{number}.png") for number in range(3)])
    assert answer.status_code == 422
    assert SENTENCE in text(answer)
    assert not Thread.objects.exists()
    assert not Upload.objects.exists()
    assert files_in(upload_folder) == []


def test_bytes_are_limited_too(settings: Settings) -> None:
    size = store(client=None).size
    settings.UPLOAD_DAILY_BYTES = 2 * size
    store()
    store()
    with pytest.raises(FileRejected):
        store()
    _typed, send = message()
    assert SENTENCE in text(send(upload(png())))


def test_a_message_without_files_is_taken_when_the_limit_is_reached(settings: Settings) -> None:
    settings.UPLOAD_DAILY_FILES = 1
    store()
    assert submit_message(Client()).events.count() == 1


def test_another_client_stores_files(settings: Settings) -> None:
    settings.UPLOAD_DAILY_FILES = 1
    store()
    store(client="192.0.2.7")
    store(client=None)
    with pytest.raises(FileRejected):
        store()


def test_after_a_day_the_client_stores_files_again_and_is_forgotten(settings: Settings) -> None:
    settings.UPLOAD_DAILY_FILES = 1
    stored = store()
    assert stored.client_key
    assert CLIENT not in stored.client_key
    later = timezone.now() + timedelta(hours=25)
    purge(later)
    stored.refresh_from_db()
    assert stored.client_key == ""
    with time_machine.travel(later):
        store()


def test_files_of_a_refused_client_are_discarded_while_they_arrive(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_DAILY_FILES = 1
    store()
    monkeypatch.setattr("files.upload_limits.tempfile.SpooledTemporaryFile", _fail)
    _typed, send = message()
    assert SENTENCE in text(send(upload(png())))


def _fail(**_options: object) -> None:
    raise AssertionError("it was kept")


@pytest.mark.django_db(transaction=True)
def test_simultaneous_requests_cannot_exceed_the_limit(settings: Settings, upload_folder: Path) -> None:
    settings.UPLOAD_DAILY_FILES = CONCURRENT_RUNS // 2
    statuses = run_concurrently(
        lambda number: (
            Client().post("/help/contact/", MESSAGE_FORM | {"subject": f"{number}", "files": upload(png())}).status_code
        )
    )
    assert sorted(statuses) == [302] * (CONCURRENT_RUNS // 2) + [422] * (CONCURRENT_RUNS // 2)
    assert Upload.objects.count() == len(files_in(upload_folder)) == Thread.objects.count() == CONCURRENT_RUNS // 2
