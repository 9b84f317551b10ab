"""The forms for uploading a file to import, and for mapping its columns."""

import hashlib
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from files.rejection_reasons import RejectionReason
from intake.encodings import ENCODINGS
from intake.mapping.fields import CONSTANTS, FIELDS, GROUP_LABELS
from intake.models import ImportUpload, StatusMeaning, TableMapping
from orders.models import Order, Store

MEGABYTE = 1024 * 1024
MAX_UPLOAD_BYTES = 1024 * MEGABYTE  # of a file that staff upload, compressed or not; larger files need the command

ENCODING_CHOICES = [("", _("as the file shows")), *((name, name) for name in ENCODINGS)]
DATE_ORDER_CHOICES = [("", _("as the file shows")), *TableMapping.DateOrder.choices]
DECIMAL_SIGN_CHOICES = [("", _("as the file shows")), *TableMapping.DecimalSign.choices]
MEANING_CHOICES = [
    ("", _("reject these rows")),
    *Order.Status.choices,
    (StatusMeaning.NOT_AN_ORDER, _("no order: skip these rows")),
]


class UploadForm(forms.Form):
    """A file to import, and the store of its orders."""

    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget,
        allow_empty_file=True,  # a file that was rejected during the upload has no content: see `clean_file`
        help_text=_("CSV or JSON, also as .gz or .zip."),
    )
    store = forms.ModelChoiceField(
        Store.objects.order_by("name"),
        label=_("Store"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Used if the file doesn’t say which store its orders are from."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        reason = getattr(file, "rejection_reason", None)
        if reason is RejectionReason.TOO_LARGE:
            raise forms.ValidationError(
                _("The file is larger than %(most)d MB. Compress it, or use the command import_orders."),
                params={"most": MAX_UPLOAD_BYTES // MEGABYTE},
            )
        if reason is not None:
            raise forms.ValidationError(_("The server’s disk is full. Nothing was saved."))
        if not file.size:
            raise forms.ValidationError(_("This file is empty."))
        return file


class ReadingForm(forms.ModelForm):
    """Settings for reading a file in a known format, if they can't be detected."""

    encoding = forms.ChoiceField(
        label=_("Encoding"), choices=ENCODING_CHOICES, required=False, widget=UnfoldAdminSelectWidget
    )
    date_order = forms.ChoiceField(
        label=_("Date order"), choices=DATE_ORDER_CHOICES, required=False, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = ImportUpload
        fields = ["encoding", "date_order"]


def _field_choices() -> list[Any]:
    groups = [
        (label, [(field.name, field.label) for field in FIELDS.values() if field.group == group])
        for group, label in GROUP_LABELS.items()
    ]
    return [("", _("– don’t import –")), *groups]


def _select(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget())


def _text(label: Any, max_length: int, **attrs: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, max_length=max_length, required=False, widget=widget)


class MappingForm(forms.Form):
    """The meaning of a table's columns and status words, and its notation.

    `suggestion` was returned by `intake.services.mappings.suggest` for the upload.
    """

    name = forms.SlugField(
        label=_("Name of this mapping"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Letters, digits and dashes. The command takes it as --mapping."),
    )

    def __init__(self, upload: ImportUpload, suggestion: Any, data: Any = None) -> None:
        self.upload = upload
        self.suggestion = suggestion
        super().__init__(data, initial=self._initial())
        for index, _guess in enumerate(suggestion.guesses):
            self.fields[f"column_{index}"] = _select("", _field_choices())
        self.fields["constant_currency"] = _text(_("Currency"), 3, placeholder="EUR")
        self.fields["constant_status"] = _select(_("Status"), [("", "–"), *Order.Status.choices])
        self.fields["constant_country"] = _text(_("Country"), 60, placeholder="DE")
        self.fields["constant_payment_method"] = _text(_("Payment method"), 32)
        self.fields["constant_language"] = _text(_("Language"), 8, placeholder="de")
        self.fields["constant_seller"] = _text(_("Seller"), 300)
        self.fields["date_order"] = _select(_("Date order"), DATE_ORDER_CHOICES)
        self.fields["decimal_sign"] = _select(_("Decimal sign"), DECIMAL_SIGN_CHOICES)
        self.fields["encoding"] = _select(_("Encoding"), ENCODING_CHOICES)
        self.fields["time_zone"] = _text(_("Time zone"), 64, placeholder=upload.store.time_zone)
        for word in self.status_words:
            self.fields[_word_field(word.word)] = _select(word.written, MEANING_CHOICES)
            self.initial[_word_field(word.word)] = word.meaning

    def _initial(self) -> dict[str, Any]:
        """Return the upload's mapping, or what was guessed."""
        mapping, suggestion = self.upload.mapping, self.suggestion
        notation = ("date_order", "decimal_sign", "encoding", "time_zone")
        if mapping is None:
            return {
                "name": self.upload.store.slug[:64],
                "constant_currency": suggestion.currency.value,
                **{name: getattr(suggestion, name).value for name in notation},
                **{f"column_{index}": guess.field for index, guess in enumerate(suggestion.guesses)},
            }
        return {
            "name": mapping.name,
            **{name: getattr(mapping, name) for name in notation},
            **{f"constant_{name}": text for name, text in mapping.constants.items()},
            **{
                f"column_{index}": mapping.columns.get(guess.column.key, "")
                for index, guess in enumerate(suggestion.guesses)
            },
        }

    def columns(self) -> dict[str, str]:
        """Return the chosen field of each column, by the column's normalized name."""
        chosen = {}
        for index, guess in enumerate(self.suggestion.guesses):
            field = self.data.get(f"column_{index}", "") if self.is_bound else self.initial.get(f"column_{index}", "")
            if field in FIELDS:
                chosen[guess.column.key] = field
        return chosen

    @cached_property
    def status_words(self) -> list[Any]:
        """Return the words in the column that is chosen for the status."""
        column = next((key for key, field in self.columns().items() if field == "status"), "")
        find_words = import_string("intake.services.mappings.find_status_words")
        return find_words(self.upload, self.suggestion.sample, column) if column else []

    def word_fields(self) -> list[forms.BoundField]:
        """Return the selects of the status words, in their sequence."""
        return [self[_word_field(word.word)] for word in self.status_words]

    @property
    def has_new_words(self) -> bool:
        """Whether there are words that weren't shown yet, because another column was chosen for the status."""
        return any(_word_field(word.word) not in self.data for word in self.status_words)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        find_problems = import_string("intake.services.mappings.find_mapping_problems")
        for problem in find_problems(self.columns(), self.constants()):
            self.add_error(None, problem)
        return data

    def clean_constant_currency(self) -> str:
        return str(self.cleaned_data["constant_currency"]).strip().upper()

    def clean_constant_language(self) -> str:
        return str(self.cleaned_data["constant_language"]).strip().lower()

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"]).strip()
        if name and not import_string("intake.services.mappings.is_time_zone")(name):
            raise forms.ValidationError(_("This isn’t a time zone. Enter a name, for example Europe/Berlin."))
        return name

    def constants(self) -> dict[str, str]:
        """Return the values for all orders, by field."""
        return {name: text for name in CONSTANTS if (text := self.cleaned_data.get(f"constant_{name}", ""))}

    def meanings(self) -> dict[str, str]:
        """Return the chosen meanings of status words."""
        return {word.word: self.cleaned_data.get(_word_field(word.word), "") for word in self.status_words}

    def notation(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("date_order", "decimal_sign", "encoding", "time_zone")}


def _word_field(word: str) -> str:
    """Return the name of the form field for a word. It must not depend on the other words."""
    return f"status_{hashlib.sha256(word.encode(errors='surrogatepass')).hexdigest()[:16]}"
