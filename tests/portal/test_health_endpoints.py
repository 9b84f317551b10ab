import environ
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import load_backend
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import health


def unreachable_database() -> BaseDatabaseWrapper:
    """A connection to a port on which no database listens."""
    config = environ.Env.db_url_config("postgres://portal@127.0.0.1:1/portal")
    defaults: dict[str, object] = {
        "TIME_ZONE": None,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "AUTOCOMMIT": True,
        "OPTIONS": {},
    }
    wrapper: BaseDatabaseWrapper = load_backend(config["ENGINE"]).DatabaseWrapper(defaults | config, alias="default")
    return wrapper


def test_healthz_needs_no_database(client: Client) -> None:
    # Without the mark `django_db`, any query would fail this test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_is_ok_if_the_database_is_migrated(client: Client) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_fails_if_migrations_are_missing(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="portal").delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations missing\n")


@pytest.mark.django_db
def test_readyz_fails_if_the_database_is_unreachable(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "connection", unreachable_database())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"database unreachable\n")
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_readyz_uses_neither_session_nor_language(client: Client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(5) as queries:
        answer = client.get("/readyz")
    assert isinstance(queries, CaptureQueriesContext)
    assert not any("session" in query["sql"] for query in queries if "django_migrations" not in query["sql"])
    assert not answer.cookies
    assert "Vary" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_healthz_accepts_any_host_without_https(client: Client, settings) -> None:
    settings.ALLOWED_HOSTS = ["orders.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200


def test_healthz_refuses_post(client: Client) -> None:
    assert client.post("/healthz").status_code == 404
