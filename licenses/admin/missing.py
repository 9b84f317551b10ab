"""Admin of missing serial numbers: a list of order lines by age, and a page per line to assign one."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from cases.admin.queues import DefaultChoiceFilter, QueueAdmin
from licenses.models import LicensedLine, LineWithoutSerial
from licenses.models.missing import RENEWING_KINDS
from licenses.services.assigning import SERIAL_LENGTH, NotAssignable, assign_and_notify, unassign
from notifications.addresses import email_key
from orders.admin_cells import link, minute
from orders.admin_widgets import DateInput
from orders.models import OrderLine, normalize_order_number

MAX_DEVICES = 1_000_000
TWO_DAYS = timedelta(days=2)


class AssignSerialForm(forms.Form):
    """A serial number to assign. Activation events and imports add to it later."""

    serial = forms.CharField(
        label=_("Serial number"),
        max_length=SERIAL_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    devices = forms.IntegerField(
        label=_("Devices covered"),
        required=False,
        min_value=1,
        max_value=MAX_DEVICES,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    expires_on = forms.DateField(label=_("Valid until"), required=False, widget=DateInput())
    same_buyer = forms.BooleanField(
        label=_("It’s the same buyer, although an earlier order with this serial number has another address."),
        required=False,
        widget=UnfoldBooleanWidget(),
    )

    def __init__(self, line: OrderLine, data: Any = None) -> None:
        super().__init__(data)
        if line.kind not in RENEWING_KINDS:
            del self.fields["same_buyer"]


class WaitingTimeFilter(DefaultChoiceFilter):
    """Filter by waiting time. Stores often send serial numbers a little later than orders."""

    title = _("waiting")
    parameter_name = "waits"
    unfiltered_value = "0"
    options = (("3", _("longer than 3 hours")), ("24", _("longer than 24 hours")), ("0", _("all")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        missing = queryset.missing()  # type: ignore[attr-defined]
        return missing.placed_before(timezone.now() - timedelta(hours=int(self.selected_value)))


class PlacedFilter(DefaultChoiceFilter):
    """Filter by order date, because stores that never send serial numbers would fill the list."""

    title = _("ordered within")
    parameter_name = "within"
    unfiltered_value = "0"
    options = (("90", _("90 days")), ("365", _("1 year")), ("0", _("any time")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = int(self.selected_value)
        if not days:
            return queryset
        return queryset.placed_since(timezone.now() - timedelta(days=days))  # type: ignore[attr-defined]


@admin.register(LineWithoutSerial)
class LineWithoutSerialAdmin(QueueAdmin):
    """Read-only, except for assigning and unassigning serial numbers."""

    list_display = ["waiting", "due", "on_order", "store", "name", "kind", "email"]
    list_display_links = ["waiting"]
    list_filter = [WaitingTimeFilter, PlacedFilter, "order__store", "kind"]
    list_select_related = ["order__store"]
    ordering = ["order__placed_at", "pk"]
    search_fields = ["name"]  # enables the search; see `get_search_results`
    search_help_text = _("Order number or email address")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "on_order",
                    "store",
                    "status",
                    "placed_at",
                    "email",
                    "name",
                    "sku",
                    "kind",
                    "quantity",
                    "quantity_returned",
                ]
            },
        )
    ]
    change_form_outer_after_template = "licenses/admin/assign_serial.html"

    # --- The list ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(order__email_key=email_key(term), order__email_key__gt="")
        if number := normalize_order_number(term):
            found |= Q(order__number_key=number)
        return queryset.filter(found), False

    @display(description=_("waiting since"), ordering="order__placed_at")
    def waiting(self, line: LineWithoutSerial) -> str:
        age = timezone.now() - line.order.placed_at
        if age < TWO_DAYS:
            return gettext("%(hours)d h") % {"hours": age.total_seconds() // 3600}
        return gettext("%(days)d d") % {"days": age.days}

    @display(description=_("due"), label={"overdue": "danger"})
    def due(self, line: LineWithoutSerial) -> tuple[str, str] | str:
        if line.due_at is None:
            return gettext("after the payment is confirmed")
        written = minute(line.due_at)
        return ("overdue", f"{written} !") if line.due_at < timezone.now() else written

    @admin.display(description=_("order"))
    def on_order(self, line: LineWithoutSerial) -> SafeString:
        page = reverse("admin:orders_order_change", args=[line.order_id])
        return link(page, line.order)

    @admin.display(description=_("store"))
    def store(self, line: LineWithoutSerial) -> str:
        return str(line.order.store)

    @admin.display(description=_("status"))
    def status(self, line: LineWithoutSerial) -> str:
        return str(line.order.get_status_display())

    @admin.display(description=_("placed at"))
    def placed_at(self, line: LineWithoutSerial) -> str:
        return minute(line.order.placed_at)

    @admin.display(description=_("email address in use"))
    def email(self, line: LineWithoutSerial) -> str:
        return line.order.email or "–"

    # --- One line ---

    def get_page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return the line's licenses, and the form to assign one if a unit has none and the user has permission."""
        links = list(obj.licensed_lines.select_related("license__product").order_by("pk"))
        can_assign = self.has_decide_permission(request)
        return {
            "line": obj,
            "links": links,
            "can_assign": can_assign,
            "form": AssignSerialForm(obj) if can_assign and len(links) < obj.quantity else None,
        }

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:pk>/assign/", wrapped(self.assign_serial), name="licenses_linewithoutserial_assign"),
            path(
                "<int:pk>/unassign/<int:link_pk>/",
                wrapped(self.unassign_serial),
                name="licenses_linewithoutserial_unassign",
            ),
            *super().get_urls(),
        ]

    def assign_serial(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Assign a serial number, by POST. Errors of the service are shown on the form."""
        line = self._line(request, pk)
        if request.method != "POST":
            return HttpResponseRedirect(self.change_url(line))
        form = AssignSerialForm(line, request.POST)
        if form.is_valid():
            try:
                link = assign_and_notify(line, **form.cleaned_data)
            except NotAssignable as error:
                form.add_error(None if line.licensed_lines.exists() else "serial", str(error.sentence))
            else:
                description = gettext("Assigned the serial number %(serial)s.") % {"serial": link.license.serial}
                self._log(request, line, link, description)
                if not line.order.email:
                    messages.warning(request, gettext("The order has no email address, so no email was sent."))
                return HttpResponseRedirect(self.change_url(line))
        return self.render_change_page(request, pk, form=form)

    def unassign_serial(self, request: HttpRequest, pk: int, link_pk: int) -> HttpResponse:
        """Unassign a serial number that staff assigned, by POST."""
        line = self._line(request, pk)
        link = line.licensed_lines.filter(pk=link_pk).select_related("license").first()
        if request.method != "POST" or link is None:
            return HttpResponseRedirect(self.change_url(line))
        try:
            unassign(link)
        except NotAssignable as error:
            messages.error(request, str(error.sentence))
        else:
            description = gettext("Removed the serial number %(serial)s.") % {"serial": link.license.serial}
            self._log(request, line, link, description)
        return HttpResponseRedirect(self.change_url(line))

    def _line(self, request: HttpRequest, pk: int) -> LineWithoutSerial:
        line = LineWithoutSerial.lines.filter(pk=pk).select_related("order__store").first()
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if line is None:
            raise Http404
        return line

    def _log(self, request: HttpRequest, line: Model, link: LicensedLine, description: str) -> None:
        """Log the change for the line, its order and the license."""
        for changed in (line, link.order, link.license):
            self.log_change(request, changed, description)
        messages.success(request, description)
