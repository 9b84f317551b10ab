"""Reports to Sentry say where an error happened, and nothing about persons."""

import json
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from sentry_sdk.transport import Transport

from portal.watching import sentry
from portal.watching.sentry import SentryNotStarted, start_sentry

# Backwards here, because reports contain the lines of code around an error, which is raised in this file.
EMAIL, TOKEN, NAME = "moc.elpmaxe@nna"[::-1], "nekot-terces-a"[::-1], "rehcrA"[::-1]


class KeptReports(Transport):
    """Keeps the reports instead of sending them."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.reports: list[str] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.reports.append(json.dumps([item.payload.json for item in envelope.items], default=str))


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Any:
    kept = KeptReports()
    start = sentry_sdk.init
    monkeypatch.setattr("sentry_sdk.init", lambda **options: start(**options | {"transport": kept}))
    start_sentry("https://key@sentry.example.com/1")
    yield kept
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.django_db
def test_an_error_on_a_page_is_reported_without_what_was_typed(
    transport: KeptReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError(f"no row for {EMAIL} with {TOKEN}")

    monkeypatch.setattr("orders.views.find.render", fail)
    browser = Client(raise_request_exception=False, headers={"User-Agent": NAME, "Cookie": f"sessionid={TOKEN}"})
    browser.get(f"/orders/find/?email={EMAIL}&next={TOKEN}")
    sentry_sdk.flush()
    [report] = [each for each in transport.reports if "RuntimeError" in each]
    assert "orders/views/find" in report or "fail" in report
    assert [secret for secret in (EMAIL, TOKEN, NAME) if secret in report] == []


def test_without_the_package_the_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentry, "sentry_sdk", None)
    with pytest.raises(SentryNotStarted, match="sentry-sdk"):
        start_sentry("https://key@sentry.example.com/1")
