"""The lists of requests about personal data, and of the receipts of erasures. They can't be changed."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from desk.models import Erasure, PersonRequest
from desk.privacy.staff_pages import describe_model, person_data_url
from desk.roles import ERASE_PERSON, EXPORT_PERSON
from notifications.addresses import email_key
from orders.admin import ReadOnlyMixin
from orders.admin_cells import EMPTY, link


@admin.register(PersonRequest)
class PersonRequestAdmin(ReadOnlyMixin, ModelAdmin):
    """Only confirmed requests: anyone can make others, with any address."""

    list_display = ["used_at", "kind", "outcome", "settled_at", "settled_by_name"]
    list_filter = ["outcome", "kind", "used_at"]
    ordering = ["-used_at"]
    search_fields = ["email_key"]
    search_help_text = _("Email address")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonRequest]:
        return super().get_queryset(request).confirmed()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display[:3], self._address(request), *self.list_display[3:]]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_list_display(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_list_display(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PersonRequest], search_term: str
    ) -> tuple[QuerySet[PersonRequest], bool]:
        term = search_term.replace("\x00", "").strip()
        return (queryset.filter(email_key=email_key(term) or term) if term else queryset), False

    def _address(self, request: HttpRequest) -> Any:
        """Return the column with the address, which links to the page where the request is answered."""
        may_open = request.user.has_perm(EXPORT_PERSON) or request.user.has_perm(ERASE_PERSON)

        @admin.display(description=_("email address"), ordering="email_key")
        def address(asked: PersonRequest) -> str:
            if not asked.email_key:
                return EMPTY
            return link(person_data_url(asked.email_key), asked.email_key) if may_open else asked.email_key

        return address


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["reference", "made_at", "made_by_name", "rows"]
    list_filter = ["made_at"]
    ordering = ["-made_at"]
    search_fields = ["reference", "made_by_name"]
    search_help_text = _("Reference, or the name of a staff member")
    show_full_result_count = False
    fields = ["reference", "made_at", "made_by_name", "erased_rows"]
    readonly_fields = ["erased_rows"]

    @admin.display(description=_("rows"))
    def rows(self, receipt: Erasure) -> int:
        return sum(receipt.counts.values())

    @admin.display(description=_("rows"))
    def erased_rows(self, receipt: Erasure) -> str:
        return "\n".join(f"{describe_model(label)}: {count}" for label, count in receipt.counts.items()) or EMPTY
