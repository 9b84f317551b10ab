"""Form fields for file uploads. Their cleaned values are validated, and ready for `files.services.store_file`."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField
from django.forms.widgets import Script
from django.utils.functional import lazy
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from files.names import readable_name
from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected, max_megabytes, too_many_files_message
from files.validation import CleanFile, clean_upload

# What the browser's file chooser offers. Acceptance depends on the content.
ACCEPT = "application/pdf,image/jpeg,image/png,image/heic,image/heif,.pdf,.jpg,.jpeg,.png,.heic,.heif"


class SingleFileInput(forms.FileInput):
    """A file input for one file. Its value is a list, so that the field sees when several were sent."""

    max_files = 1

    class Media:
        js = [Script("js/files.js", defer=True)]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"accept": ACCEPT} | (attrs or {}))

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Add the limits and messages that static/js/files.js uses to check files before they are sent."""
        limits = {
            "data-max-bytes": settings.UPLOAD_MAX_BYTES,
            "data-max-files": self.max_files,
            "data-too-large": str(FileRejected(RejectionReason.TOO_LARGE, file_name="%s")),
            "data-too-many": too_many_files_message(self.max_files),
        }
        return super().build_attrs(base_attrs | limits, extra_attrs)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[UploadedFile]:
        return list(files.getlist(name)) if hasattr(files, "getlist") else [files[name]] if name in files else []


class MultipleFileInput(SingleFileInput):
    """A file input for several files."""

    allow_multiple_selected = True


class MultipleUploadField(forms.FileField):
    """Up to `max_files` files. The cleaned value is a list of CleanFile; the error of a rejected file names it."""

    widget: type[SingleFileInput] = MultipleFileInput
    default_error_messages = {"required": _("Choose a file: a PDF, a photo or a screenshot.")}

    def __init__(self, *, max_files: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_files = max_files
        cast(SingleFileInput, self.widget).max_files = max_files

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        bound_field = super().get_bound_field(form, field_name)
        help_text = bound_field.help_text
        bound_field.help_text = lazy(lambda: self._extended_help_text(help_text, form, bound_field), str)()
        return bound_field

    def clean(self, data: Any, initial: Any = None) -> Any:
        uploads: list[UploadedFile] = data or []
        if not uploads and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > self.max_files:
            raise ValidationError(too_many_files_message(self.max_files), code=RejectionReason.TOO_MANY)
        return self._clean_uploads(uploads)

    def _clean_uploads(self, uploads: list[UploadedFile]) -> list[CleanFile]:
        """Clean all files, and report all errors together."""
        clean_files, errors = [], []
        for upload in uploads:
            try:
                clean_files.append(clean_upload(upload))
            except FileRejected as rejection:
                file_name = readable_name(upload.name or "") if len(uploads) > 1 else ""
                message = str(FileRejected(rejection.reason, max_files=self.max_files, file_name=file_name))
                errors.append(ValidationError(message, code=rejection.reason))
        if errors:
            raise ValidationError(errors)
        return clean_files

    def _extended_help_text(self, help_text: Any, form: forms.BaseForm, bound_field: BoundField) -> str:
        """Return the field's own help text, the limits, and after an error the request to select the files again."""
        limits = ngettext(
            "PDF, JPEG, PNG or HEIC, up to %(megabytes)d MB.",
            "Up to %(count)d files: PDF, JPEG, PNG or HEIC, up to %(megabytes)d MB each.",
            self.max_files,
        ) % {"count": self.max_files, "megabytes": max_megabytes()}
        parts = [conditional_escape(help_text), limits]
        if form.is_bound and form.errors and bound_field.data:
            # Browsers do not keep chosen files when a form is shown again, and no page can choose them.
            again = gettext("Choose your files again. Your browser doesn’t keep them.")
            parts.append(format_html("<strong>{}</strong>", again))
        return mark_safe(" ".join(part for part in parts if part))  # noqa: S308 (each part is escaped)


class SingleUploadField(MultipleUploadField):
    """One file. Its cleaned value is a CleanFile, or None if it isn't required and none was sent."""

    widget = SingleFileInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_files=1, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> CleanFile | None:
        clean_files = super().clean(data, initial)
        return clean_files[0] if clean_files else None
