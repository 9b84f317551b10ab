"""Admin of files to import: upload, mapping of columns, preview, import."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from files.large_uploads import OTHER_FIELDS_BYTES, LargeUploadHandler
from intake.admin.upload_forms import ENCODING_CHOICES, MAX_UPLOAD_BYTES, MEGABYTE, MappingForm, ReadingForm, UploadForm
from intake.admin.upload_pages import column_rows, notation_rows, preview_context
from intake.models import ImportUpload, TableMapping
from orders.admin import ReadOnlyMixin
from orders.models import Order, load_items
from orders.order_page import order_page_context

State = ImportUpload.State

REFRESH_SECONDS = "3"  # seconds until the page reloads, while a worker is busy
SELF = "'self'"
PREVIEW_POLICY = settings.ADMIN_CONTENT_SECURITY_POLICY | {"frame-src": [SELF]}
# The buyer's order page, shown in a frame of the preview.
FRAMED_POLICY = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"] | {"frame-ancestors": [SELF]}


def service(dotted_path: str) -> Callable[..., Any]:
    """Import a function of `intake.services` on first use: its libraries would add 13 MB to each web process."""
    function: Callable[..., Any] = import_string(f"intake.services.{dotted_path}")
    return function


def with_items(orders: list[Order]) -> list[Order]:
    """Return the orders with their items loaded, because they no longer exist when the page is rendered."""
    load_items(orders)
    return orders


@admin.register(ImportUpload)
class ImportUploadAdmin(ModelAdmin):
    """Users who may add an upload may also map, check, import and discard it."""

    list_display = ["name", "store", "state_label", "uploaded_at", "uploaded_by"]
    list_filter = ["state", "store"]
    list_select_related = ["store", "uploaded_by"]
    ordering = ["-uploaded_at"]
    search_fields = ["name"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # `discard` also deletes the file

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportUpload]:
        return super().get_queryset(request).select_related("store", "mapping__store", "run")

    @display(
        description=_("status"),
        ordering="state",
        label={
            State.CHECKING.value: "info",
            State.IMPORTING.value: "info",
            State.IMPORTED.value: "success",
            State.FAILED.value: "danger",
        },
    )
    def state_label(self, upload: ImportUpload) -> tuple[str, str]:
        return upload.state, upload.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse], name: str, policy: Any = None) -> URLPattern:
            wrapped = self.admin_site.admin_view(never_cache(view))
            route = f"<int:pk>/{name}/"
            return path(route, csp_replace(policy)(wrapped) if policy else wrapped, name=f"intake_importupload_{name}")

        return [
            page(self.map_columns, "map"),
            page(self.read_as, "read"),
            page(self.preview, "preview", PREVIEW_POLICY),
            path(
                "<int:pk>/orders/<int:index>/",
                csp_replace(FRAMED_POLICY)(self.admin_site.admin_view(never_cache(self.sample_order))),
                name="intake_importupload_order",
            ),
            page(self.start, "import"),
            page(self.discard, "discard"),
            *super().get_urls(),
        ]

    def _get_upload(self, request: HttpRequest, pk: Any) -> ImportUpload:
        """Return the upload, if the user may work on it. Raises PermissionDenied and Http404."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        upload = self.get_queryset(request).filter(pk=pk).first()
        if upload is None:
            raise Http404
        return upload

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "has_view_permission": True}
        return TemplateResponse(request, f"intake/admin/{template}.html", shared | context, status=status)

    def _page(self, upload: ImportUpload, name: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse(f"admin:intake_importupload_{name}", args=[upload.pk]))

    # --- 1. Upload ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Check permissions before the upload is read. The CSRF token is in the body, and checked afterwards."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        request.upload_handlers = [LargeUploadHandler(request, MAX_UPLOAD_BYTES)]
        return self._upload(request)

    add_view.csrf_exempt = True  # type: ignore[attr-defined]  # `_upload` checks it
    add_view.max_request_bytes = lambda: MAX_UPLOAD_BYTES + OTHER_FIELDS_BYTES  # type: ignore[attr-defined]

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest) -> HttpResponse:
        is_post = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if is_post else UploadForm()
        if is_post and form.is_valid():
            file = form.cleaned_data["file"]
            upload = service("uploads.store_upload")(file, file.name, form.cleaned_data["store"], request.user)
            found = service("uploads.inspect")(upload)
            if found.source or found.needs_mapping or found.readings:
                self.log_addition(request, upload, gettext("Uploaded"))
                return self._page(upload, "map" if found.needs_mapping else "read")
            service("uploads.discard")(upload)
            form.add_error("file", found.problem)
        context = {"form": form, "max_megabytes": MAX_UPLOAD_BYTES // MEGABYTE, "title": gettext("Import a file")}
        return self._render(request, "upload", context, status=422 if is_post else 200)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page of the next step."""
        upload = self._get_upload(request, object_id if object_id.isdecimal() else None)
        if upload.state == State.UPLOADED:
            return self._page(upload, "read")
        return self._page(upload, "preview")

    # --- 2. Format and columns ---

    def read_as(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show which format was recognized, and let a worker check the file on POST."""
        upload = self._get_upload(request, pk)
        if upload.is_at_work or upload.state == State.IMPORTED:
            return self._page(upload, "preview")
        form = ReadingForm(request.POST if request.method == "POST" else None, instance=upload)
        if request.method == "POST" and form.is_valid():
            form.save()
        found = service("uploads.inspect")(upload)
        if found.needs_mapping:
            return self._page(upload, "map")
        if request.method == "POST" and form.is_valid() and found.source:
            if mapping := found.source.mapping:  # recognized by the header: the import uses the same version
                ImportUpload.objects.filter(pk=upload.pk).update(mapping=mapping)
            return self._check(upload)
        context = {"upload": upload, "found": found, "form": form, "step": 2, "title": upload.name}
        return self._render(request, "upload_read", context)

    def _check(self, upload: ImportUpload) -> HttpResponse:
        service("upload_work.request_check")(upload)
        return self._page(upload, "preview")

    def map_columns(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._get_upload(request, pk)
        if upload.is_at_work or upload.state == State.IMPORTED:
            return self._page(upload, "preview")
        if upload.run_id:  # a part is already imported, with the existing mapping
            return self._page(upload, "preview")
        found = service("uploads.inspect")(upload)
        if found.readings:
            return self._page(upload, "read")
        if found.problem and not found.needs_mapping:
            messages.error(request, found.problem)
            return HttpResponseRedirect(reverse("admin:intake_importupload_changelist"))
        is_post = request.method == "POST"
        if is_post and request.POST.get("encoding", "") in dict(ENCODING_CHOICES):
            upload.encoding = request.POST.get("encoding", "")  # the names of columns depend on it
        suggestion = service("mappings.suggest")(upload)
        form = MappingForm(upload, suggestion, request.POST if is_post else None)
        if is_post and form.is_valid() and not form.has_new_words:
            assert isinstance(request.user, User)
            mapping = service("mappings.save_mapping")(
                upload,
                name=form.cleaned_data["name"],
                header=suggestion.header,
                columns=form.columns(),
                constants=form.constants(),
                notation=form.notation(),
                meanings=form.meanings(),
                by=request.user.get_username(),
            )
            self.log_change(request, upload, gettext("Mapped: %(mapping)s") % {"mapping": mapping})
            return self._check(upload)
        context = {
            "upload": upload,
            "form": form,
            "step": 2,
            "title": upload.name,
            "columns": column_rows(form),
            "notation": notation_rows(form),
            "asks_words": is_post and form.has_new_words and not form.errors,
            "is_mapped": upload.mapping is not None,
        }
        return self._render(request, "upload_map", context, status=422 if is_post else 200)

    # --- 3. Preview ---

    @method_decorator(require_GET)
    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._get_upload(request, pk)
        if upload.state == State.UPLOADED:
            return self._page(upload, "read")
        if upload.state == State.IMPORTED and upload.run_id:
            return HttpResponseRedirect(reverse("admin:intake_importrun_change", args=[upload.run_id]))
        context = {
            "upload": upload,
            "title": upload.name,
            "step": 4 if upload.run_id or upload.state == State.IMPORTING else 3,
        }
        if upload.state == State.CHECKED:
            context |= preview_context(upload, service("mappings.find_missing_parts"))
            context["orders"] = self._show_sample(upload, with_items)
        response = self._render(request, "upload_preview", context)
        if upload.is_at_work:
            response.headers["Refresh"] = REFRESH_SECONDS
        return response

    def _show_sample(self, upload: ImportUpload, show: Callable[[list[Order]], Any]) -> Any:
        """Return the result of `show` for the first orders; None if it isn't available at the moment."""
        try:
            with service("uploads.local_copy")(upload) as file:
                source = service("uploads.find_source")(upload, file)
                return service("upload_samples.show_sample")(source, show)
        except (FileNotFoundError, import_string("intake.source_file.UnusableFile")):
            return None

    @method_decorator([require_GET, xframe_options_sameorigin])
    def sample_order(self, request: HttpRequest, pk: int, index: int) -> HttpResponse:
        """Show one of the first orders as its buyer would see it."""
        upload = self._get_upload(request, pk)
        if upload.state != State.CHECKED:
            raise Http404

        def show(orders: list[Order]) -> str | None:
            if index >= len(orders):
                return None
            context = order_page_context(orders[index]) | {"messages": []}
            return render_to_string("orders/framed_order.html", context, request)

        page = self._show_sample(upload, show)
        if page is None:
            raise Http404
        return HttpResponse(page)

    # --- 4. Import ---

    @method_decorator(require_POST)
    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._get_upload(request, pk)
        if service("upload_work.request_import")(upload, request.user):
            self.log_change(request, upload, gettext("Import requested"))
        return self._page(upload, "preview")

    @method_decorator(require_POST)
    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = self._get_upload(request, pk)
        if upload.state == State.IMPORTING:
            messages.error(request, gettext("This file is being imported. You can undo the import afterwards."))
            return self._page(upload, "preview")
        self.log_deletions(request, ImportUpload.objects.filter(pk=upload.pk))
        service("uploads.discard")(upload)
        messages.success(request, gettext("The file was deleted."))
        return HttpResponseRedirect(reverse("admin:intake_importupload_changelist"))


@admin.register(TableMapping)
class TableMappingAdmin(ReadOnlyMixin, ModelAdmin):
    """The mappings of all stores with their versions. The next file creates a new version."""

    list_display = ["name", "version", "store", "created_at", "created_by_name"]
    list_filter = ["store"]
    list_select_related = ["store"]
    search_fields = ["name"]
    ordering = ["store", "name", "-version"]
