"""A local stand-in for Stripe's refund API, which can simulate errors, timeouts and lost responses.

https://docs.stripe.com/api/refunds, https://docs.stripe.com/api/idempotent_requests
"""

import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Body = dict[str, Any]
_numbers = itertools.count(1)


@dataclass
class Failure:
    """How the next POST fails. With `after_refund`, the refund is made before that."""

    status: int = 0  # HTTP status; 0 closes the connection without a response
    after_refund: bool = False
    body: Body = field(default_factory=dict)
    delay: float = 0.0  # seconds


def error(code: str, message: str, kind: str = "invalid_request_error") -> Body:
    return {"error": {"type": kind, "code": code, "message": message}}


class StripeServer:
    """`paid` has the amount of each payment in smallest units; `refunds` lists the refunds made, newest first."""

    def __init__(self) -> None:
        self.paid: dict[str, int] = {}
        self.currency = "eur"  # of all payments
        self.refunds: list[Body] = []
        self.failures: list[Failure] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []  # method, path, headers
        self.status_of_new = "succeeded"
        self.on_refund: Callable[[], None] = lambda: None  # called after a refund is made, before the response
        self._stored_responses: dict[str, tuple[int, Body]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> "StripeServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forget_keys(self) -> None:
        """Delete stored responses, as Stripe does after at least 24 hours."""
        self._stored_responses.clear()

    def refunded(self, payment: str) -> int:
        return sum(
            each["amount"]
            for each in self.refunds
            if each["payment_intent"] == payment and each["status"] not in ("failed", "canceled")
        )

    @property
    def keys_sent(self) -> list[str]:
        return [headers["idempotency-key"] for method, _path, headers in self.requests if method == "POST"]

    def make_refund(self, payment: str, amount: int, metadata: Body | None = None) -> Body:
        refund = {
            "id": f"re_{next(_numbers)}",
            "object": "refund",
            "amount": amount,
            "currency": self.currency,
            "payment_intent": payment,
            "charge": None,
            "metadata": metadata or {},
            "status": self.status_of_new,
        }
        self.refunds.insert(0, refund)
        return refund

    # --- Responses ---------------------------------------------------------------------------------------

    def _post(self, key: str, form: dict[str, str]) -> tuple[int, Body]:
        with self._lock:
            if key in self._stored_responses:
                return self._stored_responses[key]
            status, body = self._create(form)
            self._stored_responses[key] = status, body
            return status, body

    def _create(self, form: dict[str, str]) -> tuple[int, Body]:
        payment = form.get("payment_intent") or form.get("charge", "")
        if payment not in self.paid:
            return 404, error("resource_missing", f"No such payment_intent: '{payment}'")
        left = self.paid[payment] - self.refunded(payment)
        if left <= 0:
            return 400, error("charge_already_refunded", "Charge has already been refunded.")
        if int(form["amount"]) > left:
            return 400, error("", "Refund amount is greater than unrefunded amount on charge")
        metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
        refund = self.make_refund(payment, int(form["amount"]), metadata)
        self.on_refund()
        return 200, refund

    def _list(self, query: dict[str, str]) -> tuple[int, Body]:
        payment = query.get("payment_intent") or query.get("charge")
        found = [each for each in self.refunds if each["payment_intent"] == payment]
        return 200, {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found}

    def _retrieve(self, kind: str, payment: str) -> tuple[int, Body]:
        if payment not in self.paid:
            return 404, error("resource_missing", f"No such {kind}: '{payment}'")
        charge = {
            "id": f"ch_of_{payment}" if kind == "payment_intents" else payment,
            "object": "charge",
            "currency": self.currency,
            "amount": self.paid[payment],
            "amount_captured": self.paid[payment],
            "amount_refunded": self.refunded(payment),
        }
        if kind == "charges":
            return 200, charge
        return 200, {"id": payment, "object": "payment_intent", "currency": self.currency, "latest_charge": charge}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                self._record_request()
                _v1, kind, *payment = parts.path.strip("/").split("/")
                if payment:
                    self._respond(*server._retrieve(kind, payment[0]))
                else:
                    self._respond(*server._list(_flat(parts.query)))

            def do_POST(self) -> None:
                form = _flat(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
                self._record_request()
                key = self.headers.get("idempotency-key", "")
                failure = server.failures.pop(0) if server.failures else None
                if failure is None:
                    self._respond(*server._post(key, form))
                    return
                if failure.after_refund:
                    server._post(key, form)
                elif failure.status >= 500:
                    server._stored_responses[key] = failure.status, failure.body
                if not failure.status:
                    time.sleep(failure.delay)
                    self.close_connection = True
                    return
                self._respond(failure.status, failure.body)

            def _record_request(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append((self.command, self.path, headers))

            def _respond(self, status: int, body: Body) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler


def _flat(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
