"""The endpoint `/metrics` for Prometheus, behind a token."""

import hmac
import logging

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from portal.watching.state import StateCollector

logger = logging.getLogger(__name__)
STATE_TIMEOUT_MS = 3000  # for each query


def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics. Without `METRICS_TOKEN` there is no such page, and without the right token neither.

    If the database doesn't respond, the metrics of requests are still returned, and `portal_database_up` is 0.
    """
    if not _is_authorized(request):
        return _response("not found\n", status=404)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.METRICS_FOLDER))
    return _response(generate_latest(registry).decode() + _state(), content_type=CONTENT_TYPE_LATEST)


def _is_authorized(request: HttpRequest) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and scheme == "Bearer" and hmac.compare_digest(token.encode(), expected.encode())


def _state() -> str:
    registry = CollectorRegistry()
    registry.register(StateCollector())
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATE_TIMEOUT_MS)])
            return generate_latest(registry).decode() + _database_up(1)
    except DatabaseError as error:
        logger.warning("The state for /metrics can't be read: %s", str(error).strip().split("\n")[0])
        return _database_up(0)


def _database_up(value: int) -> str:
    help_text = "Whether the state of the portal could be read."
    return f"# HELP portal_database_up {help_text}\n# TYPE portal_database_up gauge\nportal_database_up {value}\n"


def _response(text: str, *, status: int = 200, content_type: str = "text/plain") -> HttpResponse:
    return HttpResponse(text, status=status, content_type=content_type, headers={"Cache-Control": "no-store"})
