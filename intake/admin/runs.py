"""Admin of the import history: the results of each run, its rejected rows, and undoing it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases.refusals import Refusal
from intake.models import ImportReject, ImportRun
from intake.services.undo import UndoReport, request_undo, undo_run
from intake.undo.obstacles import ObstacleCode
from orders.admin import ReadOnlyMixin

SHOWN_REJECTS = 20
SHOWN_ORDERS = 50  # orders that can't be undone
# How long a request undoes or checks orders before it responds; a worker does the rest.
PAGE_TIME = timedelta(seconds=8)

State = ImportRun.State


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["number", "started_at", "who", "file_names", "formats", "results", "state_label"]
    list_filter = ["state", "source", "files__format", "files__store"]
    search_fields = ["=pk", "files__name", "files__sha256", "started_by_name"]
    search_help_text = _("Number, file name, SHA-256, or user")
    date_hierarchy = "started_at"
    ordering = ["-pk"]
    change_form_outer_after_template = "intake/admin/run.html"
    fieldsets = [
        (
            None,
            {"fields": ["number", "state_label", "started_at", "finished_at", "who", "source", "file_list"]},
        ),
        (
            _("Results"),
            {"fields": [("read", "created", "updated"), ("unchanged", "rejected", "skipped"), "warning_list"]},
        ),
        (_("Rejected rows"), {"fields": ["rejects_by_code", "reject_list"]}),
        (_("Undone"), {"fields": [("orders_deleted", "orders_restored"), "undone_at", "undone_by_name"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return ImportRun.objects.with_activity().prefetch_related("files")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["number", "state_label", "who", "file_list", "warning_list", "rejects_by_code", "reject_list"]

    # --- Columns ---

    @display(description=_("number"), ordering="pk")
    def number(self, run: ImportRun) -> str:
        return str(run.pk)

    @display(description=_("started by"), ordering="started_by_name")
    def who(self, run: ImportRun) -> str:
        return f"{run.started_by_name or '–'} ({run.get_source_display()})"

    @display(description=_("file name"))
    def file_names(self, run: ImportRun) -> str:
        first, *more = [file.name for file in run.files.all()] or ["–"]
        return f"{first} + {len(more)}" if more else first

    @display(description=_("format"))
    def formats(self, run: ImportRun) -> str:
        return ", ".join(sorted({file.format for file in run.files.all()})) or "–"

    @display(description=_("results"))
    def results(self, run: ImportRun) -> str:
        counts = [
            (run.created, _("created")),
            (run.updated, _("updated")),
            (run.unchanged, _("unchanged")),
            (run.rejected, _("rejected")),
            (run.skipped, _("skipped")),
        ]
        return ", ".join(f"{count} {label}" for count, label in counts if count) or "0"

    @display(
        description=_("status"),
        ordering="state",
        label={State.INTERRUPTED.value: "warning", State.RUNNING.value: "info", State.FINISHED.value: "success"},
    )
    def state_label(self, run: ImportRun) -> tuple[str, str]:
        state = run.shown_state
        return state.value, str(state.label)

    # --- The page ---

    @display(description=_("files"))
    def file_list(self, run: ImportRun) -> SafeString:
        return format_html_join(
            SafeString("<br>"),
            '{}, {}{}, {}, SHA-256 <code class="break-all">{}</code>',
            (
                (
                    file.name,
                    file.format,
                    f", {file.store}" if file.store else "",
                    filesizeformat(file.size),
                    file.sha256,
                )
                for file in run.files.all()
            ),
        ) or SafeString("–")

    @display(description=_("warnings"))
    def warning_list(self, run: ImportRun) -> SafeString:
        return _count_list(run.warnings)

    @display(description=_("by type"))
    def rejects_by_code(self, run: ImportRun) -> SafeString:
        return _count_list(run.reject_counts)

    @display(description=_("first warning"))
    def reject_list(self, run: ImportRun) -> SafeString:
        rejects = run.rejects.order_by("pk").select_related("file").defer("content")[:SHOWN_REJECTS]
        return format_html_join(
            SafeString("<br>"),
            "{} {} {}: {}",
            ((reject.file.name, gettext("line"), reject.line, reject.text) for reject in rejects),
        ) or SafeString("–")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if isinstance(run, ImportRun):
            now = timezone.now()
            context = {
                "can_download": self.may_download(request) and not run.is_too_old(now) and run.rejected > 0,
                "can_undo": self.may_undo(request) and self._can_be_undone(run),
                "undo_until": run.can_be_undone_until,
                "undo_requested": run.undo_requested_at,
                "run": run,
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    @staticmethod
    def _can_be_undone(run: ImportRun) -> bool:
        states = (State.FINISHED, State.INTERRUPTED, State.PARTLY_UNDONE)
        return run.shown_state in states and not run.is_too_old(timezone.now())

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:pk>/rejects/", wrapped(never_cache(self.download)), name="intake_importrun_rejects"),
            path("<int:pk>/undo/", wrapped(never_cache(self.undo)), name="intake_importrun_undo"),
            *super().get_urls(),
        ]

    def may_download(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("intake.download_importreject"))

    def may_undo(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("intake.undo_importrun"))

    def _get_run(self, request: HttpRequest, pk: int) -> ImportRun:
        run = self.get_queryset(request).filter(pk=pk).first()
        if run is None:
            raise Http404
        return run

    # --- Rejected rows ---

    def download(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        """Return the rejected rows as a file, which may contain passwords. Each download is recorded."""
        if not self.may_download(request):
            raise PermissionDenied
        run = self._get_run(request, pk)
        if run.is_too_old(timezone.now()) or not ImportReject.objects.filter(run=run).exists():
            raise Http404
        # Imported on the first download: the import libraries would add 13 MB to each web process.
        write_rejects = import_string("intake.services.history.write_rejects")
        name, file = write_rejects(run, gettext("Its content can’t be decrypted because SECRET_KEY has changed."))
        self.log_change(request, run, gettext("Downloaded the rejected rows"))
        return FileResponse(file, as_attachment=True, filename=name, headers={"X-Content-Type-Options": "nosniff"})

    # --- Undo ---

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what an undo would do, and do it on POST."""
        if not self.may_undo(request):
            raise PermissionDenied
        run = self._get_run(request, pk)
        page = reverse("admin:intake_importrun_change", args=[run.pk])
        is_post = request.method == "POST"
        assert isinstance(request.user, User)
        try:
            report = undo_run(
                run, by=request.user.get_username(), dry_run=not is_post, until=timezone.now() + PAGE_TIME
            )
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(page)
        if not is_post:
            return self._confirm(request, run, report)
        if not report.is_complete:
            request_undo(run, request.user.get_username())
        self.log_change(request, run, gettext("Undone"))
        self._report_result(request, report)
        return HttpResponseRedirect(page)

    def _confirm(self, request: HttpRequest, run: ImportRun, report: UndoReport) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Undo import %(number)s") % {"number": run.pk},
            "opts": self.opts,
            "run": run,
            "report": report,
            "reasons": [(count, ObstacleCode(code).label) for code, count in report.reasons.most_common()],
            "listed": report.listed[:SHOWN_ORDERS],
            "unlisted": report.kept - len(report.listed[:SHOWN_ORDERS]),
            "page": reverse("admin:intake_importrun_change", args=[run.pk]),
        }
        return TemplateResponse(request, "intake/admin/undo.html", context)

    def _report_result(self, request: HttpRequest, report: UndoReport) -> None:
        if report.was_undone:
            messages.info(request, gettext("This import was already undone. Nothing was changed."))
            return
        done = ngettext("%(count)s order undone.", "%(count)s orders undone.", report.deleted + report.restored)
        messages.success(request, done % {"count": report.deleted + report.restored})
        if not report.is_complete:
            messages.info(
                request, gettext("The rest is being undone in the background. Reload this page to see the progress.")
            )
        if report.kept:
            kept = ngettext("%(count)s order couldn’t be undone.", "%(count)s orders couldn’t be undone.", report.kept)
            link = format_html(
                ' <a class="underline" href="{}">{}</a>',
                reverse("admin:intake_importrun_undo", args=[request.resolver_match.kwargs["pk"]]),  # type: ignore[union-attr]
                gettext("See which orders and why"),
            )
            messages.warning(request, format_html("{}{}", kept % {"count": report.kept}, link))


def _count_list(counts: list[dict[str, Any]]) -> SafeString:
    """Return how many problems have each code, with the message of the first of them."""
    return format_html_join(
        SafeString("<br>"), "{} × {}: {}", ((each["count"], each["code"], each["first"]) for each in counts)
    ) or SafeString("–")
