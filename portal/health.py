"""What is asked of a running portal: `/healthz`, `/readyz` and the doctor's question for migrations."""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from portal import schema


def unapplied_migrations() -> list[str]:
    """Migrations that the code has and the database does not, as app.name. Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def healthz() -> HttpResponse:
    """This process answers; nothing else is looked at."""
    return _plain("ok")


def readyz() -> HttpResponse:
    """The database answers, is migrated, and its tables are what the models say: send people here."""
    try:
        if unapplied_migrations():
            return _plain("migrations missing", 503)
        return _plain("ok") if _tables_fit() else _plain("tables differ from the models", 503)
    except DatabaseError:
        return _plain("database unreachable", 503)


_known_to_fit = False


def _tables_fit() -> bool:
    """Asked until the answer is yes: the tables of a running release change no more."""
    global _known_to_fit
    _known_to_fit = _known_to_fit or not schema.differences()
    return _known_to_fit


def _plain(word: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain", status=status, headers={"Cache-Control": "no-store"})


_ANSWERS: dict[str, Callable[[], HttpResponse]] = {"/healthz": healthz, "/readyz": readyz}


class HealthMiddleware:
    """Answers both before any other middleware.

    Load balancers and container health checks ask by an address of their own, without HTTPS; neither
    the host check nor the redirect may stand in their way, and no session or language is needed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = _ANSWERS.get(request.path) if request.method in ("GET", "HEAD") else None
        return answer() if answer else self.get_response(request)
