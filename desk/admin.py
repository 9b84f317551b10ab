"""The admin of orders, and the list of views by staff, which can't be changed."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from desk import log_entries, users  # noqa: F401 (they register their models)
from desk.access import may_view
from desk.models import LookRecord
from desk.order_page import OrderAdmin
from desk.person_keys import make_person_key
from desk.privacy import admin as privacy_admin  # noqa: F401 (it registers its models)
from desk.staff_names import staff_named
from licenses.models import License, normalize_serial
from notifications.addresses import email_key
from orders.admin import ReadOnlyMixin
from orders.admin_cells import EMPTY, link
from orders.models import Order, normalize_order_number

admin.site.register(Order, OrderAdmin)


@admin.register(LookRecord)
class LookRecordAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["at", "username", "kind", "looked_at"]
    list_filter = ["kind", "at"]
    ordering = ["-at"]
    show_full_result_count = False
    search_fields = ["username"]  # enables the search; see `get_search_results`
    search_help_text = _("Name of a staff member, order number, reference, email address, or serial number")
    fields = ["at", "by", "username", "kind", "looked_at"]
    readonly_fields = ["looked_at"]

    @admin.display(description=_("object"), ordering="object_key")
    def looked_at(self, record: LookRecord) -> str:
        """Return a link to the page that was viewed."""
        if record.kind == LookRecord.Kind.PERSON and not record.object_key:
            return EMPTY  # the person was erased
        if record.kind == LookRecord.Kind.PERSON:
            return link(reverse("admin:desk_person", args=[make_person_key(record.object_key)]), record.object_key)
        name = record.object_key
        if record.kind == LookRecord.Kind.LICENSE:
            name = gettext("License %(id)s") % {"id": record.object_id}
        try:
            url = reverse(f"admin:{record.object_model.replace('.', '_')}_change", args=[record.object_id])
        except NoReverseMatch:  # of a model that no longer exists
            return name or EMPTY
        return link(url, name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LookRecord], search_term: str
    ) -> tuple[QuerySet[LookRecord], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        license_kind = LookRecord.Kind.LICENSE
        keys = {email_key(term), normalize_order_number(term)} - {""}
        found = Q(username__iexact=term) | Q(by__in=staff_named(term)) | Q(object_key__in=keys) & ~Q(kind=license_kind)
        if (serial := normalize_serial(term)) and may_view(request.user, License):
            licenses = License.objects.filter(serial_key=serial).values_list("pk", flat=True)
            found |= Q(kind=license_kind, object_key__in=[str(pk) for pk in licenses])
        return queryset.filter(found), False
