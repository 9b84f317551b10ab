"""Log lines: as text or JSON, with the id of the request, and one line for a bad request."""

import json
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost
from django.db import OperationalError, connection
from django.test import Client

from portal.logs import OneLineForBadRequests
from tests.portal.running_demo import manage
from tests.portal.test_a_missing_setting_stops_the_start import COMPLETE


@pytest.fixture(params=["json"])
def json_log(request: pytest.FixtureRequest) -> Iterator[StringIO]:
    """What the console shows with LOG_FORMAT=json, or with the parameter of the test."""
    config = {**django_settings.LOGGING, "handlers": {"console": dict(django_settings.LOGGING["handlers"]["console"])}}
    stream = StringIO()
    config["handlers"]["console"] |= {"formatter": request.param, "stream": stream}
    logging.config.dictConfig(config)
    yield stream
    logging.config.dictConfig(django_settings.LOGGING)


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_json_with_the_id_of_its_request(client: Client, json_log: StringIO) -> None:
    response = client.get("/no/such/page/")
    [line] = lines(json_log)
    assert line["logger"] == "django.request"
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["level"], line["message"]) == ("WARNING", "Not Found: /no/such/page/")
    assert "time" in line


@pytest.mark.parametrize("json_log", ["text"], indirect=True)
def test_a_line_of_text_ends_with_the_id_of_its_request(client: Client, json_log: StringIO) -> None:
    response = client.get("/no/such/page/")
    [line] = json_log.getvalue().splitlines()
    assert line.endswith(f" WARNING django.request: Not Found: /no/such/page/ [{response.headers['X-Request-ID']}]")
    logging.getLogger("portal").warning("Without a request")
    assert json_log.getvalue().endswith(" WARNING portal: Without a request\n")


@pytest.mark.django_db
@pytest.mark.parametrize("json_log", ["json", "text"], indirect=True)
def test_without_a_database_each_request_takes_one_line(client: Client, json_log: StringIO) -> None:
    def refuse(*_arguments: object) -> None:
        raise OperationalError("connection failed: Connection refused\nIs the server running?")

    client.raise_request_exception = False
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    with connection.execute_wrapper(refuse):
        assert client.get("/contacts/").status_code == 500
    logging.getLogger().removeHandler(handler)
    assert len(json_log.getvalue().splitlines()) == 1
    assert "Internal Server Error: /contacts/: connection failed: Connection refused" in json_log.getvalue()
    [record] = seen
    assert record.exc_info  # other handlers, which mail errors, have all of it


def test_the_id_of_the_proxy_is_kept_and_anything_else_is_replaced(client: Client) -> None:
    given = "0123456789abcdef0123456789abcdef"
    assert client.get("/healthz").headers.get("X-Request-ID") is None
    answers = [client.get("/no/such/page/", headers={"X-Request-ID": each}) for each in (given, "evil\x1b[31m", "1")]
    ids = [answer.headers["X-Request-ID"] for answer in answers]
    assert UUID(ids[0]) == UUID(given)
    assert all(UUID(each) != UUID(given) for each in ids[1:])


def test_a_line_break_in_a_path_stays_one_line(client: Client, json_log: StringIO) -> None:
    client.get("/no/such%0aERROR forged/")
    assert len(json_log.getvalue().splitlines()) == 1


def test_a_token_is_hidden_in_every_field(client: Client, json_log: StringIO) -> None:
    token = "AbCdEfGhIjKlMnOp1234567890"
    client.get(f"/access/{token}/", headers={"Host": "evil.example"})
    client.put(f"/access/{token}/")
    client.get(f"/help/threads/open/{token}/no/such/page/")
    assert len(lines(json_log)) >= 3
    assert token not in json_log.getvalue()


def test_a_wrong_host_is_one_line_without_a_traceback(client: Client, json_log: StringIO) -> None:
    assert client.get("/orders/find/", headers={"Host": "evil.example"}).status_code == 400
    [line] = [each for each in lines(json_log) if each["logger"] == "django.security.DisallowedHost"]
    assert "evil.example" in line["message"]
    assert "exc_info" not in line


def test_other_errors_keep_their_traceback() -> None:
    record = logging.LogRecord("portal", logging.ERROR, "", 0, "failed", (), (ValueError, ValueError("x"), None))
    OneLineForBadRequests().filter(record)
    assert record.exc_info
    record.exc_info = (DisallowedHost, DisallowedHost("x"), None)
    OneLineForBadRequests().filter(record)
    assert record.exc_info is None


def test_the_error_page_shows_the_id(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("orders.views.find.render", fail)
    client.raise_request_exception = False
    response = client.get("/orders/find/")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.content.decode()
    assert "broken" not in response.content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("METRICS_TOKEN", "short"),
        ("SENTRY_DSN", "not an address"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: str) -> None:
    completed = manage("check", **COMPLETE | {name: value})
    assert completed.returncode == 1
    assert completed.stderr.startswith(f"Settings: {name}")
    assert len(completed.stderr.strip().splitlines()) == 1


def test_commands_log_as_json_too() -> None:
    completed = manage("check", "--deploy", **COMPLETE | {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"})
    assert completed.returncode == 0, completed.stderr
