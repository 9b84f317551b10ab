"""The admin of orders, stores and attempts. Data that an import would overwrite is read-only."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from notifications.addresses import email_key
from notifications.models import Message
from orders import formats, panels
from orders.access import site_failures
from orders.admin_money import money_column
from orders.models import (
    LAST4,
    AddressCorrection,
    Attempt,
    Order,
    Store,
    normalize_order_number,
)
from orders.services.address_corrections import CORRECTED, TO_OLD, undo_correction


class ReadOnlyMixin:
    """For models that only imports and services change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PaymentMethodFilter(admin.SimpleListFilter):
    """The common methods."""

    title = _("payment method")
    parameter_name = "payment_method"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(code, str(label)) for code, label in formats.PAYMENT_METHODS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(payment_method=self.value()) if self.value() else queryset


class OrderListAdmin(ReadOnlyMixin, ModelAdmin):
    """The list of orders with its search. `desk` adds the page of an order and registers both."""

    list_display = ["number", "store", "placed_at", "status", "email", "billing_name", "formatted_total", "is_test"]
    # Filters must not look for the values of a column in millions of rows, as `date_hierarchy` would.
    list_filter = ["status", "store", "is_test", PaymentMethodFilter, "placed_at"]
    list_select_related = ["store"]
    ordering = ["-placed_at"]
    show_full_result_count = False  # would count millions of orders
    search_fields = ["number_key"]  # makes the admin show the search field; see `get_search_results`
    search_help_text = _("Order number, email address, serial number, last 4 digits of the card, or name")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        found = Q(email_key=email_key(term), email_key__gt="") | Q(billing_name__icontains=term)
        if number := normalize_order_number(term):
            found |= Q(number_key__startswith=number)
        if LAST4.fullmatch(term):
            found |= Q(card_last4=term) | Q(device_last4=term)
        for panel in panels.registered():
            if panel.search is not None and panel.is_visible_to(request.user):
                found |= Q(pk__in=panel.search(term))
        return queryset.filter(found), False

    formatted_total = money_column("total", _("total"))

    @admin.display(description=_("email address in use"))
    def email(self, order: Order) -> str:
        return order.email or "–"


class NoticeFilter(admin.SimpleListFilter):
    """Notices that staff should check: those that could not be, or have not yet been, sent to the old address."""

    title = _("notice to the previous address")
    parameter_name = "notice"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("waiting", str(_("waiting"))), ("failed", str(_("failed, bounced, or no address")))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Uses what `AddressCorrectionAdmin.get_queryset` adds."""
        if self.value() == "waiting":
            return queryset.filter(notice_status=Message.Status.WAITING)
        if self.value() == "failed":
            failed = [Message.Status.FAILED, Message.Status.BOUNCED]
            return queryset.filter(Q(notice_status__in=failed) | Q(notice_status=None))
        return queryset


@admin.register(AddressCorrection)
class AddressCorrectionAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = [
        "order",
        "made_at",
        "old_email",
        "new_email",
        "made_by",
        "notice",
        "undo_until",
        "undone_at",
        "undone_by",
    ]
    list_filter = [("undone_at", admin.EmptyFieldListFilter), NoticeFilter]
    list_select_related = ["order", "made_by", "undone_by"]
    search_fields = ["order__number_key", "old_email", "new_email"]
    date_hierarchy = "made_at"
    ordering = ["-made_at"]
    actions = ["undo_corrections"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AddressCorrection]:
        notice = Message.objects.filter(kind=CORRECTED, key=TO_OLD, object_id=OuterRef("pk"))
        return super().get_queryset(request).annotate(notice_status=Subquery(notice.values("status")[:1]))

    @admin.display(description=_("notice to the previous address"), ordering="notice_status")
    def notice(self, correction: Any) -> str:
        status = correction.notice_status
        return str(Message.Status(status).label) if status else gettext("no address")

    @admin.action(description=_("Undo selected corrections"), permissions=["undo"])
    def undo_corrections(self, request: HttpRequest, queryset: QuerySet[AddressCorrection]) -> None:
        """Staff can undo a correction at any time. This undoes later corrections of the same order, too."""
        assert isinstance(request.user, User)
        undone = 0
        for correction in queryset.select_related("order").order_by("pk"):
            if undo_correction(correction, request.user):
                self.log_change(request, correction.order, gettext("Address correction undone."))
                undone += 1
        text = ngettext("%(count)s correction undone.", "%(count)s corrections undone.", undone)
        self.message_user(request, text % {"count": undone}, messages.SUCCESS if undone else messages.WARNING)

    def has_undo_permission(self, request: HttpRequest) -> bool:
        """Called by the admin for the permission "undo" of the action above."""
        return request.user.has_perm("orders.change_addresscorrection")


class StoreForm(ModelForm):
    """Requires the time zone and the name of a store created by an import. Its initial values are not offered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.instance.is_time_zone_known:
            self.initial["time_zone"] = ""
            self.fields["time_zone"].help_text = _(
                "For example Europe/Berlin. Until it’s set, buyers see dates without times."
            )
        if self.instance.pk and not self.instance.public_name:
            self.fields["name"].help_text = _("Buyers don’t see the name while it’s the short name.")

    def clean(self) -> dict[str, Any] | None:
        self.instance.is_time_zone_assumed = False  # staff have chosen one now; the field is required
        return super().clean()


@admin.register(Store)
class StoreAdmin(ModelAdmin):
    form = StoreForm
    list_display = ["name", "slug", "time_zone", "language", "support_email", "confirm_card_lookup"]
    search_fields = ["name", "slug"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # Imports look up their store by its slug.
        return ["slug"] if obj else []


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["at", "method", "outcome", "tries", "subject", "client", "orders_opened"]
    list_filter = ["method", "outcome", "at"]
    list_before_template = "orders/admin/site_failures.html"
    search_fields = ["subject", "client"]
    search_help_text = _("Email address, order number, or the client's network address")
    ordering = ["-at"]
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show above the list whether cards are being tried against many addresses."""
        return super().changelist_view(request, (extra_context or {}) | {"site_failures": site_failures()})
