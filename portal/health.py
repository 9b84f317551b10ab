"""The endpoints `/healthz`, `/readyz` and `/metrics`."""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from portal import schema
from portal.watching.endpoint import metrics


def unapplied_migrations() -> list[str]:
    """Return the names of migrations that are not applied, as "app.name". Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process responds. Checks nothing else."""
    return _plain_response("ok")


def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve pages: the database is reachable, migrated, and matches the models."""
    try:
        if unapplied_migrations():
            return _plain_response("migrations missing", 503)
        return _plain_response("ok") if _do_tables_match() else _plain_response("tables differ from the models", 503)
    except DatabaseError:
        return _plain_response("database unreachable", 503)


_tables_matched = False


def _do_tables_match() -> bool:
    """Check until the tables match once, because they don't change while a release is running."""
    global _tables_matched
    _tables_matched = _tables_matched or not schema.find_differences()
    return _tables_matched


def _plain_response(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{text}\n", content_type="text/plain", status=status, headers={"Cache-Control": "no-store"})


_ENDPOINTS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


class HealthMiddleware:
    """Serves these endpoints before any other middleware.

    Load balancers, container health checks and Prometheus use internal addresses without HTTPS. The host check and the
    redirect to HTTPS must not apply to them, and they need neither a session nor a language.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        endpoint = _ENDPOINTS.get(request.path) if request.method in ("GET", "HEAD") else None
        return endpoint(request) if endpoint else self.get_response(request)
