"""How long requests take, by the name of their view. Measured in each web process, added up over all of one host.

prometheus_client keeps the numbers of each process in a file in `PROMETHEUS_MULTIPROC_DIR`, which portal/settings.py
sets before this module is imported. The files of ended processes stay, so that the sums stay right.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf"))  # seconds
UNKNOWN_VIEW = "none"  # no URL pattern matched

REQUEST_SECONDS = Histogram(
    "portal_request_seconds",
    "Time to answer a request, by the name of its view and the class of the status.",
    ["view", "method", "status"],
    buckets=BUCKETS,
)
METHODS = frozenset({"GET", "HEAD", "POST"})


class RequestTimesMiddleware:
    """Measures each request. URLs aren't recorded, because they contain order ids and tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = match.view_name if match is not None else UNKNOWN_VIEW
        method = request.method if request.method in METHODS else "other"
        status = f"{response.status_code // 100}xx"
        REQUEST_SECONDS.labels(view, method, status).observe(time.perf_counter() - started)
        return response
