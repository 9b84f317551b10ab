"""`/metrics`: the state of the portal and the times of its pages, for Prometheus, behind a token."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from notifications.models import Message
from orders.models import Attempt
from portal.models import Heartbeat
from portal.watching import forget_ended_processes
from portal.watching.requests import REQUEST_SECONDS
from refunds.models import Return
from tests.desk.people import make_busy_person
from tests.factories import make_order

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-20-characters"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def watched(settings: Any, tmp_path: Path) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.METRICS_FOLDER = tmp_path


def read(client: Client) -> dict[tuple[str, ...], float]:
    """All samples by name and label values."""
    response = client.get("/metrics", headers=AUTHORIZED)
    assert response.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN} "},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer ünïcode"},
    ],
)
def test_without_the_token_there_is_no_such_page(client: Client, headers: dict[str, str]) -> None:
    response = client.get("/metrics", headers=headers)
    assert (response.status_code, response.content) == (404, b"not found\n")


def test_an_empty_token_in_the_settings_opens_nothing(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_it_is_answered_under_any_host_like_the_health_endpoints(client: Client) -> None:
    assert client.get("/metrics", headers=AUTHORIZED | {"Host": "10.0.0.5:8000"}).status_code == 200


def test_it_tells_the_state_of_the_portal(client: Client) -> None:
    make_busy_person()
    now = timezone.now()
    Message.objects.update(status=Message.Status.WAITING, due_at=now - timedelta(minutes=5))
    Return.objects.update(due_at=now - timedelta(hours=1))
    order = make_order()
    Message.objects.create(
        kind="order_confirmation", object_id=order.pk, recipient="a@example.com", status="sent", sent_at=now
    )
    Attempt.objects.create(method="number", outcome="rate_limited", tries=7)
    found = read(client)
    assert found["portal_database_up",] == 1
    assert found["portal_outbox_due",] == 1
    assert 290 < found["portal_outbox_oldest_seconds",] < 400
    assert found["portal_emails_recent", "sent"] == 1
    assert found["portal_attempts_recent", "number", "rate_limited"] == 7
    assert found["portal_attempts_recent", "card", "refused"] == 1
    assert found["portal_cases_waiting", "return"] == found["portal_cases_overdue", "return"] == 1
    assert found["portal_refunds_open", "declined"] == 0
    assert found["portal_store_events_waiting",] == 0
    assert found["portal_imports_of_the_day", "finished"] == 0


def test_it_names_no_person_no_order_and_no_address(client: Client) -> None:
    [order] = make_busy_person()
    said = client.get("/metrics", headers=AUTHORIZED).content.decode()
    for secret in ("ann@example.com", "Archer", order.number, str(order.public_id)):
        assert secret not in said


def test_old_emails_and_attempts_are_not_counted(client: Client) -> None:
    make_busy_person()
    Attempt.objects.update(at=timezone.now() - timedelta(hours=1))
    Message.objects.update(status="sent", sent_at=timezone.now() - timedelta(hours=1))
    found = read(client)
    assert found["portal_attempts_recent", "card", "refused"] == 0
    assert found["portal_emails_recent", "sent"] == 0


def test_the_number_of_queries_does_not_depend_on_the_rows(client: Client, django_assert_max_num_queries: Any) -> None:
    make_busy_person(rows=3)
    with django_assert_max_num_queries(25):
        read(client)


def test_without_the_database_the_rest_is_still_told(client: Client) -> None:
    with patch("portal.watching.state.Heartbeat.age", side_effect=OperationalError("server closed the connection")):
        assert read(client)["portal_database_up",] == 0


def test_requests_are_measured_by_view_and_not_by_url(client: Client) -> None:
    def count(*labels: str) -> float:
        samples = [s for family in REQUEST_SECONDS.collect() for s in family.samples if s.name.endswith("_count")]
        return sum(s.value for s in samples if tuple(s.labels.values()) == labels)

    before = count("orders:find", "GET", "2xx"), count("none", "GET", "4xx"), count("orders:find", "other", "4xx")
    client.get("/orders/find/?email=ann@example.com")
    client.get("/no/such/page/ann@example.com/")
    client.generic("BREW", "/orders/find/")
    after = count("orders:find", "GET", "2xx"), count("none", "GET", "4xx"), count("orders:find", "other", "4xx")
    assert tuple(now - then for now, then in zip(after, before, strict=True)) == (1, 1, 1)
    names = {str(value) for family in REQUEST_SECONDS.collect() for s in family.samples for value in s.labels.values()}
    assert not any("ann@example.com" in name for name in names)


def test_files_of_an_earlier_start_are_deleted_once_no_process_lives(tmp_path: Path) -> None:
    ended = tmp_path / "histogram_4194304.db"  # above the largest process id of Linux
    ended.touch()
    living = tmp_path / f"histogram_{os.getpid()}.db"
    living.touch()
    forget_ended_processes(tmp_path)
    assert ended.exists()
    living.unlink()
    forget_ended_processes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_example_alerts_use_metrics_that_exist(client: Client) -> None:
    client.get("/orders/find/")
    make_busy_person()
    Heartbeat.record()
    known = {name for name, *_labels in read(client)} | {
        "portal_request_seconds_bucket",
        "portal_request_seconds_count",
    }
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"portal_\w+", rule["expr"])}
    assert used - known == set()
    assert len(rules) >= 8
