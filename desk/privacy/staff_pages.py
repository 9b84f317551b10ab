"""The page on which supervisors export or erase the data of a person, and answer the requests of its address."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from desk.look_records import record_look_at_person
from desk.models import Erasure, PersonRequest
from desk.person_keys import make_person_key, read_person_key
from desk.privacy import requests
from desk.privacy.buyer_pages import send_export
from desk.privacy.results import ErasureRefused, ErasureResult
from desk.roles import ERASE_PERSON, EXPORT_PERSON
from notifications.addresses import email_key
from orders.http import get_or_post
from orders.models import Order
from orders.services.erasure import find_obstacles as find_corrections

REVEAL_PAYOUT = "refunds.reveal_payoutdetails"


class EraseForm(forms.Form):
    """The address is typed once more, because an erasure can't be undone."""

    address = forms.CharField(
        label=_("Email address of the person"),
        max_length=254,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, key: str, *args: Any) -> None:
        super().__init__(*args)
        self.key = key

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if email_key(address) != self.key:
            raise forms.ValidationError(_("This isn’t the address of this person. Nothing was erased."))
        return address


@get_or_post
def person_data(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show what an erasure would do, and what prevents it. POST exports, erases, or answers a request."""
    email = read_person_key(key)
    if not email:
        raise Http404
    may_export, may_erase = (request.user.has_perm(name) for name in (EXPORT_PERSON, ERASE_PERSON))
    if not (may_export or may_erase):
        raise PermissionDenied
    record_look_at_person(request, email)
    action, form = request.POST.get("action", ""), EraseForm(email)
    if request.method == "POST":
        if action == "export" and may_export:
            return _export(request, email)
        if action == "erase" and may_erase:
            form = EraseForm(email, request.POST)
            if form.is_valid() and (receipt := _erase(request, email)) is not None:
                return HttpResponseRedirect(reverse("admin:desk_erasure_change", args=[receipt.pk]))
        elif action in ("release", "decline") and (may_export or action == "decline"):
            _answer(request, email, action)
            return HttpResponseRedirect(person_data_url(email))
        else:
            raise PermissionDenied
    plan = _load("erase.erase")(email, "", dry_run=True) if may_erase else ErasureResult()
    context = {
        "title": gettext("Data of a person"),
        "email_key": email,
        "person_url": reverse("admin:desk_person", args=[key]),
        "may_export": may_export,
        "may_erase": may_erase,
        "plan": plan,
        "counts": [(describe_model(label), count) for label, count in plan.counts.items()],
        "requests": PersonRequest.objects.waiting().filter(email_key=email).order_by("pk"),
        "form": form,
    }
    context = admin.site.each_context(request) | context
    return TemplateResponse(request, "desk/admin/person_data.html", context)


def _load(dotted_path: str) -> Any:
    """Return a function of this package. Other pages of a web process don't need what exports and erasures load."""
    return import_string(f"desk.privacy.{dotted_path}")


def person_data_url(email: str) -> str:
    return reverse("admin:desk_person_data", args=[make_person_key(email)])


def describe_model(label: str) -> str:
    """Return the name of a model for staff; its label, such as sessions.Session, if it has none anymore."""
    app, model = label.split(".")
    kind = ContentType.objects.get_by_natural_key(app, model.lower()).model_class()
    return str(kind._meta.verbose_name_plural) if kind is not None else label


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _log(request: HttpRequest, model: Any, pk: object, name: str, flag: int, text: str) -> None:
    """Record what was done. The entry doesn't name the person; the record of the look does, until an erasure."""
    LogEntry.objects.create(
        user_id=_user(request).pk,
        content_type=ContentType.objects.get_for_model(model),
        object_id=str(pk),
        object_repr=name,
        action_flag=flag,
        change_message=text,
    )


def _export(request: HttpRequest, email: str) -> HttpResponseBase:
    export = _load("export.collect")(email, reveals_payout=request.user.has_perm(REVEAL_PAYOUT))
    if export.is_empty:
        messages.info(request, gettext("Nothing is held about this address."))
        return HttpResponseRedirect(person_data_url(email))
    text = gettext("Exported all data of a person: %(count)d rows") % {"count": sum(export.counts.values())}
    _log(request, PersonRequest, "", gettext("Data of a person"), CHANGE, text)
    return send_export(export)


def _erase(request: HttpRequest, email: str) -> Erasure | None:
    try:
        result = _load("erase.erase")(email, _user(request).get_username())
    except ErasureRefused as refused:
        for reason in refused.reasons:
            messages.error(request, reason)
        return None
    if result.receipt is None:
        messages.info(request, gettext("Nothing is held about this address."))
        return None
    text = gettext("Erased all data of a person")
    _log(request, Erasure, result.receipt.pk, result.receipt.reference, DELETION, text)
    messages.success(request, gettext("The data was erased. This is the receipt."))
    return result.receipt


def _answer(request: HttpRequest, email: str, action: str) -> None:
    """Release the copy of a request, or decline a request."""
    number = request.POST.get("request", "")
    waiting = PersonRequest.objects.waiting().filter(email_key=email)
    asked = waiting.filter(pk=int(number)).first() if number.isascii() and number.isdecimal() else None
    if asked is None:
        messages.error(request, gettext("This request was answered already."))
        return
    name = _user(request).get_username()
    if action == "decline":
        is_done, text = requests.decline(asked, name), gettext("Declined. Tell the person why, in a message.")
    else:
        ids = list(Order.objects.for_email_key(email).values_list("pk", flat=True))
        if reasons := list(find_corrections(ids, email, timezone.now())):
            messages.error(request, " ".join(reasons))
            return
        is_done, text = requests.release_copy(asked, name), gettext("The person gets an email with a link.")
    if is_done:
        _log(request, PersonRequest, asked.pk, str(asked), CHANGE, text)
        messages.success(request, text)
    else:
        messages.error(request, gettext("This request was answered already."))
