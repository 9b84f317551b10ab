"""Records which staff viewed which order, person, case or license."""

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest

from cases.models import Case
from desk.models import KEY_LENGTH, LookRecord
from licenses.models import License, LineWithoutSerial
from orders.models import Order

Kind = LookRecord.Kind


def record_look(request: HttpRequest, shown: Model) -> None:
    """Record a view of a row, if views of its model are recorded. Makes one insert."""
    if isinstance(shown, LineWithoutSerial):
        shown = shown.order
    if isinstance(shown, Order):
        _record(request, Kind.ORDER, shown.number_key, shown)
    elif isinstance(shown, Case):
        _record(request, Kind.CASE, shown.reference, shown)
    elif isinstance(shown, License):
        _record(request, Kind.LICENSE, str(shown.pk), shown)


def record_buyers_view(request: HttpRequest, order: Order) -> None:
    """Record that the order was shown as its buyer sees it."""
    _record(request, Kind.AS_BUYER, order.number_key, order)


def record_look_at_person(request: HttpRequest, email_key: str) -> None:
    _record(request, Kind.PERSON, email_key, None)


def _record(request: HttpRequest, kind: LookRecord.Kind, key: str, row: Model | None) -> None:
    assert isinstance(request.user, User)
    LookRecord.objects.create(
        by=request.user,
        username=request.user.get_username(),
        kind=kind,
        object_key=key[:KEY_LENGTH],
        object_model=row._meta.label_lower if row is not None else "",
        object_id=row.pk if row is not None else None,
    )
