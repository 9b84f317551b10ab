"""Form fields that take files: what comes out of them is judged, clean, and ready for `files.services.keep`."""

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

from files.judging import CleanFile, judge
from files.names import readable_name
from files.reasons import Reason
from files.refusals import Refused, megabytes, too_many

# What the browser offers to choose from; what is taken is decided by content.
ACCEPTED = "application/pdf,image/jpeg,image/png,image/heic,image/heif,.pdf,.jpg,.jpeg,.png,.heic,.heif"


class FileChoice(forms.FileInput):
    """One button for one file. Sees all that were sent under its name."""

    max_files = 1

    class Media:
        js = [Script("js/files.js", defer=True)]

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"accept": ACCEPTED} | (attrs or {}))

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        """With what static/js/files.js needs to tell of too many and too large files before they are sent."""
        told_at_once = {
            "data-max-bytes": settings.UPLOAD_MAX_BYTES,
            "data-max-files": self.max_files,
            "data-too-large": str(Refused(Reason.TOO_LARGE, about="%s")),
            "data-too-many": too_many(self.max_files),
        }
        return super().build_attrs(base_attrs | told_at_once, extra_attrs)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[UploadedFile]:
        return list(files.getlist(name)) if hasattr(files, "getlist") else [files[name]] if name in files else []


class FilesChoice(FileChoice):
    """One button for several files."""

    allow_multiple_selected = True


class ProofsField(forms.FileField):
    """Up to `max_files` files; cleaned, a list of CleanFile. Each that is not taken is an error that names it."""

    widget: type[FileChoice] = FilesChoice
    default_error_messages = {"required": _("Please choose a file: a PDF, a photo or a screenshot.")}

    def __init__(self, *, max_files: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_files = max_files
        cast(FileChoice, self.widget).max_files = max_files

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        bound = super().get_bound_field(form, field_name)
        own_words = bound.help_text
        bound.help_text = lazy(lambda: self._help(own_words, form, bound), str)()
        return bound

    def clean(self, data: Any, initial: Any = None) -> Any:
        sent: list[UploadedFile] = data or []
        if not sent and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(sent) > self.max_files:
            raise ValidationError(str(Refused(Reason.TOO_MANY, most=self.max_files)), code=Reason.TOO_MANY)
        return self._judge_all(sent)

    def _judge_all(self, sent: list[UploadedFile]) -> list[CleanFile]:
        """All of them, so that every error is told at once."""
        clean, errors = [], []
        for upload in sent:
            try:
                clean.append(judge(upload))
            except Refused as refused:
                about = readable_name(upload.name or "") if len(sent) > 1 else ""
                told = Refused(refused.reason, most=self.max_files, about=about)
                errors.append(ValidationError(str(told), code=refused.reason))
        if errors:
            raise ValidationError(errors)
        return clean

    def _help(self, own_words: Any, form: forms.BaseForm, bound: BoundField) -> str:
        limits = ngettext(
            "PDF, JPEG, PNG or HEIC, up to %(megabytes)d MB.",
            "Up to %(count)d files: PDF, JPEG, PNG or HEIC, up to %(megabytes)d MB each.",
            self.max_files,
        ) % {"count": self.max_files, "megabytes": megabytes()}
        words = [conditional_escape(own_words), limits]
        if form.is_bound and form.errors and bound.data:
            # Browsers forget chosen files when a form comes back, and no page can choose them again.
            again = gettext("Please choose your files again: the browser does not keep them.")
            words.append(format_html("<strong>{}</strong>", again))
        return mark_safe(" ".join(word for word in words if word))  # noqa: S308 (each part is safe by itself)


class ProofField(ProofsField):
    """One file; cleaned, a CleanFile, or None where none is required and none came."""

    widget = FileChoice

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_files=1, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> CleanFile | None:
        clean = super().clean(data, initial)
        return clean[0] if clean else None
