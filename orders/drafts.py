"""Form input, kept in the session while other pages of the form are open.

A form that is checked on a second page, or that has errors, is answered with a redirect (POST, 303, GET). This makes
the browser's Back button work. On every page with a form, switching the language submits the form to `orders:language`,
which keeps the input in the same way and redirects back. The input is kept under a random id in the URL, so that two
tabs don't mix. The URL contains none of the input. A draft ends when it is sent, after 30 minutes, and when access ends
(`end_access`), which clears the session.

A draft contains no secrets, files (`PortalForm.withheld_fields`) or full card numbers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from orders import access
from orders.forms.base import PortalForm
from orders.http import tell_about_card_number
from orders.rate_limits import Rate, RateLimit, consume

SESSION_KEY = "drafts"
PARAMETER = "draft"
SHOWN_PARAMETER = "shown_form"
KEPT_FOR = access.IDLE_TIMEOUT
MAX_DRAFTS = 10  # in one session; the oldest is dropped first
MAX_VALUE_LENGTH = 20_000  # characters; more than any field accepts, so that a truncated value is still refused
MAX_LENGTH = 100_000  # characters of one draft
# New sessions for drafts, per client. Visitors with an open order already have a session.
NEW_SESSION_RATE = Rate(short=60, long=600)
ID = re.compile(r"[0-9a-f]{32}")
_SALT = "orders.drafts"

AnyForm = TypeVar("AnyForm", bound=PortalForm)


class SeeOther(HttpResponseRedirect):
    """A redirect after a POST, which the browser follows with a GET."""

    status_code = 303


@dataclass(frozen=True)
class Typed:
    """The input, and `outcome`: what the view needs to show the form again."""

    data: QueryDict
    errors: dict[str, list[str]] = field(default_factory=dict)  # error codes of fields whose value is not kept
    outcome: dict[str, Any] = field(default_factory=dict)
    is_checked: bool = True  # False if the form was not sent, or showed no errors, before its language was changed

    def validate(self, form: PortalForm) -> None:
        """Validate a form created from `data`, and add the errors of fields whose value is not kept."""
        form.full_clean()
        for name in {*form.withheld_fields, *self.errors} & form.fields.keys():
            form.errors.pop(name, None)
            for code in self.errors.get(name, []):
                form.add_error(name, ValidationError(form.message_of_code(name, code), code=code))

    def show(self, form: AnyForm) -> AnyForm:
        """Return the form that was made of `data`, with its errors if it was checked before."""
        if self.is_checked:
            self.validate(form)
        else:
            form.is_unchecked = True
        return form


@dataclass(frozen=True)
class ShownForm:
    """A form of a page, as the language buttons of the page need it (templates/_language_buttons.html)."""

    form_id: str
    draft_id: str
    state: str  # signed: which draft it is, and what the page says about the form
    has_files: bool  # the files stay in the browser; only what was typed is kept


class Draft:
    """The draft of one form in one tab, named by the URL of a request, or by a hidden field of the form.

    `scope` says what the form is about, such as the public id of an order: a draft of another one is not found.
    `page` is the path of the page that shows the form, if it is not the one of the request.
    """

    def __init__(self, request: HttpRequest, form_name: str, scope: object = "", *, page: str = "") -> None:
        self.request = request
        self.kind = f"{form_name}:{scope}"
        self.page = page or request.get_full_path()
        named = request.GET.get(PARAMETER) or (request.POST.get(PARAMETER, "") if request.method == "POST" else "")
        self.id = named if ID.fullmatch(named) else ""

    def url(self, path: str = "", **parameters: str) -> str:
        """The path of a page of this form, with the draft's id and further parameters."""
        url = urlsplit(path or self.page)
        query = QueryDict(url.query, mutable=True)
        for name, value in (parameters | {PARAMETER: self.id}).items():
            query[name] = value
        return f"{url.path}?{query.urlencode()}"

    def start(self) -> HttpResponseRedirect:
        """Redirect to this page with a new id. Nothing is stored."""
        self.id = uuid4().hex
        return HttpResponseRedirect(self.url(self.request.get_full_path()))

    def load(self) -> Typed | None:
        """Return what was typed; None if nothing was, or not in this browser, or too long ago."""
        stored = self._live_drafts().get(self.id) if self.id else None
        if stored is None or stored["kind"] != self.kind:
            return None
        data = QueryDict(mutable=True)
        for name, values in stored["data"].items():
            data.setlist(name, values)
        return Typed(data, stored["errors"], stored["outcome"], stored["is_checked"])

    def checked_form(self, make: Callable[[Any], AnyForm]) -> AnyForm | None:
        """Return the validated form of the draft, if there is one. `make` makes a form of data."""
        if (typed := self.load()) is None:
            return None
        form = make(typed.data)
        typed.validate(form)
        return form

    def typed_form(self, make: Callable[[Any], AnyForm]) -> AnyForm | None:
        """As `checked_form`, for the page of the form: without errors if it showed none before."""
        typed = self.load()
        return typed.show(make(typed.data)) if typed is not None else None

    def prefill(self, form: type[PortalForm], values: Mapping[str, str]) -> bool:
        """Keep values that were typed elsewhere, for a form that was not sent yet. Returns as `save` does."""
        return self.store(Typed(_kept_values(form, values), is_checked=False))

    def save(self, form: PortalForm, outcome: Mapping[str, Any] | None = None) -> bool:
        """Keep what was typed into a validated form. Returns False if this client started too many sessions."""
        typed = Typed(_kept_values(type(form), form.data), _lost_errors(form), dict(outcome or {}))
        return self.store(typed)

    def store(self, typed: Typed) -> bool:
        """Keep this. Returns False if this client started too many sessions."""
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
            "data": dict(typed.data.lists()),
            "errors": typed.errors,
            "outcome": typed.outcome,
            "is_checked": typed.is_checked,
        }
        self.request.session[SESSION_KEY] = drafts
        return True

    def drop(self) -> None:
        """Delete the input, because it was sent."""
        drafts = self.request.session.get(SESSION_KEY, {})
        if drafts.pop(self.id, None) is not None:
            self.request.session[SESSION_KEY] = drafts

    def shown(self, form: PortalForm, outcome: Mapping[str, Any] | None = None) -> ShownForm:
        """Describe the form that the page shows. `outcome` is what the page says about it, for `Typed.outcome`."""
        state = {
            "form": form.form_name,
            "kind": self.kind,
            "page": self.page,
            "errors": _lost_errors(form),
            "outcome": dict(outcome or {}),
            "is_checked": bool(form.errors),
        }
        return ShownForm(form.form_id, self.id, signing.dumps(state, salt=_SALT), form.is_multipart())

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


def keep_shown_form(request: HttpRequest) -> str:
    """Keep what was typed into a form that was sent to change the language, and return the URL that shows it again.

    Empty if no form was sent. A message says what has to be typed again.
    """
    try:
        state = signing.loads(request.POST.get(SHOWN_PARAMETER, ""), salt=_SALT)
        form = PortalForm.by_name[state["form"]]
    except (signing.BadSignature, KeyError):  # a page of an earlier version can have a form that is gone
        return ""
    draft = Draft(request, form.form_name, page=state["page"])
    draft.kind = state["kind"]
    data = _kept_values(form, request.POST)
    if not draft.store(Typed(data, state["errors"], state["outcome"], state["is_checked"])):
        messages.warning(request, gettext("We couldn’t keep what you entered. Enter it again."))
        return draft.page
    if any(_cut(request.POST.getlist(name)) != values for name, values in data.lists()):
        tell_about_card_number(request)
    tell_what_is_withheld(request, form)
    return draft.url()


def tell_what_is_withheld(request: HttpRequest, form: type[PortalForm]) -> None:
    """Tell the person on the next page which fields of a form that was sent have to be filled in again."""
    labels = [
        str(form.base_fields[name].label)
        for name in form.base_fields
        if name in form.withheld_fields and any(request.POST.getlist(name))
    ]
    if labels:
        text = ngettext(
            "For your security, we didn’t keep this field. Fill it in again: %(fields)s.",
            "For your security, we didn’t keep these fields. Fill them in again: %(fields)s.",
            len(labels),
        )
        messages.warning(request, text % {"fields": ", ".join(labels)})


def _kept_values(form: type[PortalForm], data: Any) -> QueryDict:
    """What a draft keeps of the values that were sent."""
    kept = QueryDict(mutable=True)
    room = MAX_LENGTH
    for name in form.draft_names(data):
        typed = data.getlist(name) if hasattr(data, "getlist") else [data[name]]
        values = [form.draft_value(name, value) for value in _cut(typed)]
        room -= len(name) + sum(map(len, values))
        if room < 0:
            break
        kept.setlist(name, values)
    return kept


def _cut(values: Iterable[Any]) -> list[str]:
    return [str(value)[:MAX_VALUE_LENGTH] for value in values]


def _lost_errors(form: PortalForm) -> dict[str, list[str]]:
    """The codes of errors that are not found again from the values that a draft keeps."""
    lost = {
        name: [error.code or "" for error in errors]
        for name, errors in form.errors.as_data().items()
        if name in form.fields and (name in form.withheld_fields or not any(form.data.get(name, "")))
    }
    # An error without a code is found again from the values that are kept.
    return {name: codes for name, codes in lost.items() if all(codes)}
