"""Form input, kept in the session while other pages of the form are open.

A form that is checked on a second page, or that has errors, is answered with a redirect (POST, 303, GET). This makes
the browser's Back button work, and lets the visitor switch the language on each page. The input is kept under a random
id in the URL, so that two tabs don't mix. The URL contains none of the input. A draft ends when it is sent, after 30
minutes, and when access ends (`end_access`), which clears the session.

A draft contains no full card numbers. Fields of `PortalForm.withheld_fields` are not kept. Fields of `encrypted_fields`
are encrypted, so that a copy of the database doesn't reveal them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.utils import timezone

from orders import access, encryption
from orders.forms.base import PortalForm
from orders.rate_limits import Rate, RateLimit, consume

SESSION_KEY = "drafts"
PARAMETER = "draft"
KEPT_FOR = access.IDLE_TIMEOUT
MAX_DRAFTS = 10  # in one session; the oldest is dropped first
MAX_VALUE_LENGTH = 20_000  # characters; more than any field accepts, so that a truncated value is still refused
MAX_LENGTH = 100_000  # characters of one draft
# New sessions for drafts, per client. Visitors with an open order already have a session.
NEW_SESSION_RATE = Rate(short=60, long=600)
ID = re.compile(r"[0-9a-f]{32}")
_PURPOSE = "orders.drafts"


class SeeOther(HttpResponseRedirect):
    """A redirect after a POST, which the browser follows with a GET."""

    status_code = 303


@dataclass(frozen=True)
class Typed:
    """The input, and `outcome`: what the view needs to show the form again."""

    data: QueryDict
    errors: dict[str, list[str]] = field(default_factory=dict)  # error codes of fields whose value is not kept
    outcome: dict[str, Any] = field(default_factory=dict)

    def validate(self, form: PortalForm) -> None:
        """Validate a form created from `data`, and add the errors of fields whose value is not kept."""
        form.full_clean()
        for name in {*form.withheld_fields, *self.errors} & form.fields.keys():
            form.errors.pop(name, None)
            for code in self.errors.get(name, []):
                form.add_error(name, ValidationError(form.message_of_code(name, code), code=code))


class Draft:
    """The draft of one form in one tab, identified by the URL of a request.

    `scope` says what the form is about, such as the public id of an order. Drafts of other scopes are not found.
    """

    def __init__(self, request: HttpRequest, form_name: str, scope: object = "") -> None:
        self.request = request
        self.kind = f"{form_name}:{scope}"
        named = request.GET.get(PARAMETER, "")
        self.id = named if ID.fullmatch(named) else ""

    def url(self, path: str, **parameters: str) -> str:
        """Return the path of a page of this form, with the draft's id and other parameters."""
        query = QueryDict(mutable=True)
        query.update(parameters | {PARAMETER: self.id})
        return f"{path}?{query.urlencode()}"

    def start(self) -> HttpResponseRedirect:
        """Redirect to this page with a new id. Nothing is stored."""
        self.id = uuid4().hex
        others = {name: str(value) for name, value in self.request.GET.items() if name != PARAMETER}
        return HttpResponseRedirect(self.url(self.request.path, **others))

    def load(self) -> Typed | None:
        """Return the input; None if there is none, or it is from another browser or too old."""
        stored = self._live_drafts().get(self.id)
        if stored is None or stored["kind"] != self.kind:
            return None
        try:
            encrypted = {name: _decrypt(token) for name, token in stored["encrypted"].items()}
        except encryption.Undecryptable:
            return None
        data = QueryDict(mutable=True)
        for name, values in (stored["data"] | encrypted).items():
            data.setlist(name, values)
        return Typed(data, stored["errors"], stored["outcome"])

    def save(self, form: PortalForm, outcome: Mapping[str, Any] | None = None) -> bool:
        """Keep the input of a validated form. Returns False if this client started too many sessions."""
        drafts = self._live_drafts()
        if self.request.session.session_key is None and not self._may_start_session():
            return False
        self.id = self.id or uuid4().hex
        drafts.pop(self.id, None)  # dicts keep their order: the last one saved is last
        while len(drafts) >= MAX_DRAFTS:
            del drafts[next(iter(drafts))]
        drafts[self.id] = {
            "kind": self.kind,
            "saved_at": timezone.now().timestamp(),
            "outcome": dict(outcome or {}),
            **_stored_values(form),
        }
        self.request.session[SESSION_KEY] = drafts
        return True

    def drop(self) -> None:
        """Delete the input, because it was sent."""
        drafts = self.request.session.get(SESSION_KEY, {})
        if drafts.pop(self.id, None) is not None:
            self.request.session[SESSION_KEY] = drafts

    def _live_drafts(self) -> dict[str, Any]:
        access.granted_orders(self.request)  # if access was idle for too long, this ends it and clears the session
        since = timezone.now().timestamp() - KEPT_FOR.total_seconds()
        stored = self.request.session.get(SESSION_KEY, {})
        live = {draft_id: draft for draft_id, draft in stored.items() if draft["saved_at"] > since}
        if len(live) < len(stored):
            self.request.session[SESSION_KEY] = live
        return live

    def _may_start_session(self) -> bool:
        client = access.client_address(self.request)
        return consume([RateLimit("draft", client, NEW_SESSION_RATE)], timezone.now())


def _stored_values(form: PortalForm) -> dict[str, Any]:
    data: dict[str, list[str]] = {}
    encrypted: dict[str, str] = {}
    room = MAX_LENGTH
    for name in form.draft_names():
        if name in form.withheld_fields:
            continue
        typed = form.data.getlist(name) if hasattr(form.data, "getlist") else [form.data[name]]
        values = [form.draft_value(name, str(value)[:MAX_VALUE_LENGTH]) for value in typed]
        room -= len(name) + sum(map(len, values))
        if room < 0:
            break
        if name in form.encrypted_fields:
            encrypted[name] = _encrypt(values)
        else:
            data[name] = values
    lost = {
        name: [error.code or "" for error in errors]
        for name, errors in form.errors.as_data().items()
        if name in form.fields and (name in form.withheld_fields or not any(form.data.get(name, "")))
    }
    # An error without a code is found again from the kept values.
    lost = {name: codes for name, codes in lost.items() if all(codes)}
    return {"data": data, "encrypted": encrypted, "errors": lost}


def _encrypt(values: list[str]) -> str:
    return encryption.encrypt(_PURPOSE, json.dumps(values).encode()).decode()


def _decrypt(token: str) -> list[str]:
    values: list[str] = json.loads(encryption.decrypt(_PURPOSE, token.encode()))
    return values
