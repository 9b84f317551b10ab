"""The form of a return request: quantities, serial numbers, reason, comment."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.forms import COMMENT_LENGTH, SubmissionForm, normalize_typed
from cases.refusals import Refusal
from orders.forms import MessageField, error_messages
from orders.models import OrderLine
from refunds.amounts import RefundAmount
from refunds.eligibility import Eligibility, LineEligibility
from refunds.models import ReturnReason
from refunds.services import returns
from refunds.services.returns import CheckedLine, RequestedLine

QUANTITY_FIELD = re.compile(r"line-(0|[1-9][0-9]{0,17})-quantity")
ITEM_FIELD = re.compile(r"line-(0|[1-9][0-9]{0,17})-(quantity|serials)")


def quantity_field_name(line: OrderLine) -> str:
    return f"line-{line.pk}-quantity"


def serials_field_name(line: OrderLine) -> str:
    return f"line-{line.pk}-serials"


def _escape_percent(sentence: str) -> str:
    """Escape % in a finished sentence, because Django's validators format their messages."""
    return sentence.replace("%", "%%")


class UnitCheckbox(forms.CheckboxInput):
    """The quantity of an item with a single unit: checked means 1. Other values are kept and refused."""

    def __init__(self) -> None:
        super().__init__(
            {"class": "form-check-input"}, check_test=lambda quantity: normalize_typed(quantity) not in ("", "0")
        )

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name)

    def format_value(self, value: Any) -> str:
        return "1"


class QuantityField(forms.IntegerField):
    """The quantity of one item to return; 0 if left empty. Error messages name the item."""

    def __init__(self, each: LineEligibility, **options: Any) -> None:
        values = {"item": each.line.name, "count": each.available}
        limits = {"min": 0, "max": each.available}
        number_input = forms.NumberInput(
            attrs={"inputmode": "numeric", "class": "digits", "autocomplete": "off"} | limits
        )
        too_small = gettext("%(item)s: enter a quantity from 0 to %(count)s.") % values
        too_large = gettext("%(item)s: you can return at most %(count)s.") % values
        super().__init__(
            required=False,
            label=_("Quantity"),
            widget=UnitCheckbox() if each.available == 1 else number_input,
            error_messages={"invalid": gettext("%(item)s: enter a whole number, for example 1.") % values},
            validators=[
                MinValueValidator(0, _escape_percent(too_small)),
                MaxValueValidator(each.available, _escape_percent(too_large)),
            ],
            **options,
        )

    def to_python(self, value: Any) -> int:
        return super().to_python(normalize_typed(value)) or 0


class SerialsField(forms.MultipleChoiceField):
    """The serial numbers to return, for items with a serial number for each unit."""

    def __init__(self, each: LineEligibility) -> None:
        super().__init__(
            required=False,
            choices=[(str(license.pk), license.serial) for license in each.licenses],
            label=_("Which serial numbers are you returning?"),
            help_text=_("Only if you keep some of them: select one for each license you return."),
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": _("Select serial numbers from the list.")},
        )


@dataclass(frozen=True)
class ReturnItem:
    """One item as the template shows it, with its fields if it can be returned."""

    returnable: LineEligibility
    currency: str
    quantity: BoundField | None
    serials: BoundField | None
    last_moment: datetime | None  # only if other items have a later deadline

    @property
    def is_single(self) -> bool:
        """Whether only one unit can be returned, which is shown as a checkbox."""
        return self.quantity is not None and self.returnable.available == 1

    @property
    def per_unit(self) -> RefundAmount:
        """The refund amount for the next unit."""
        return self.returnable.refund_amount(1)

    @property
    def total(self) -> RefundAmount:
        """The refund amount for all available units."""
        return self.returnable.refund_amount(self.returnable.available)


class ReturnForm(SubmissionForm):
    """A return request for one order. After validation, `checked_lines` holds the lines with their refund amounts."""

    form_name = "return"

    reason = forms.ChoiceField(
        label=_("Why are you returning it?"),
        error_messages=error_messages(_("Select a reason.")) | {"invalid_choice": _("Select a reason from the list.")},
    )
    comment = MessageField(
        label=_("Anything we should know? (optional)"),
        required=False,
        max_length=COMMENT_LENGTH,
        help_text=_("Don’t include card numbers or passwords."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=error_messages(""),
    )

    def __init__(self, eligibility: Eligibility, now: datetime, data: Any = None) -> None:
        super().__init__(data)
        self.eligibility = eligibility
        self.now = now
        self.checked_lines: list[CheckedLine] = []
        self.reasons = {str(reason.pk): reason for reason in ReturnReason.objects.filter(is_active=True)}
        choices = [("", _("Select a reason")), *((key, reason.label) for key, reason in self.reasons.items())]
        self.fields["reason"].choices = choices  # type: ignore[attr-defined]
        items = [each for each in eligibility.items if not each.refusal]
        for each in (each for each in eligibility.lines if not each.refusal):
            # If there is only one unit to return, it is preselected.
            is_only_unit = items == [each] and each.available == 1
            self.fields[quantity_field_name(each.line)] = QuantityField(each, initial=int(is_only_unit))
            if returns.needs_serial_choice(each):
                self.fields[serials_field_name(each.line)] = SerialsField(each)
        self.order_fields([name for name in self.fields if name not in self.base_fields])  # the order on the page

    # --- Input ---

    @classmethod
    def draft_names(cls, data: Iterable[str]) -> list[str]:
        """Also the fields of items, and of those that cannot be returned, so that the error is kept."""
        return [*super().draft_names(data), *filter(ITEM_FIELD.fullmatch, data)]

    @property
    def order_submission_id(self) -> UUID | None:
        return self.make_submission_id(self.eligibility.order.public_id)

    def typed_lines(self) -> list[RequestedLine]:
        """Return the requested lines of an invalid form: all quantities that are whole numbers above zero."""
        return [
            RequestedLine(int(name[1]), int(quantity))
            for name, quantity in self._typed_quantities()
            if quantity.isdecimal() and 0 < len(quantity) < 10 and int(quantity)
        ]

    def _typed_quantities(self) -> Iterator[tuple[re.Match[str], str]]:
        for field in self.data:
            if (name := QUANTITY_FIELD.fullmatch(field)) is not None:
                yield name, normalize_typed(self.data.get(field))

    def requested_lines(self) -> list[RequestedLine]:
        """Return the requested lines of a valid form."""
        return [
            RequestedLine(
                each.line.pk,
                self.cleaned_data[quantity_field_name(each.line)],
                frozenset(map(int, self.cleaned_data.get(serials_field_name(each.line), []))),
            )
            for each in self.eligibility.lines
            if self.cleaned_data.get(quantity_field_name(each.line))
        ]

    # --- Validation ---

    def clean_reason(self) -> ReturnReason:
        return self.reasons[self.cleaned_data["reason"]]

    def clean(self) -> None:
        errors = {
            self._refusal_sentence(int(name[1]))
            for name, quantity in self._typed_quantities()
            if name.string not in self.fields and quantity not in ("", "0")
        }
        for sentence in sorted(errors):
            self.add_error(None, sentence)
        # Errors of the items are shown together with those of reason and comment.
        if any(name not in ("reason", "comment") for name in self.errors):
            return
        try:
            self.checked_lines = returns.check_request(self.eligibility, self.requested_lines(), self.now)
        except Refusal as refusal:
            self.add_refusal(refusal)

    def _refusal_sentence(self, line_id: int) -> str:
        each = self.eligibility.get_line(line_id)
        return f"{each.line.name}: {each.refusal}" if each else gettext("This item isn’t part of the order.")

    def add_refusal(self, refusal: Refusal) -> None:
        """Add a refusal of the service as an error of the field that caused it."""
        each = self.eligibility.get_line(refusal.line_id) if refusal.line_id is not None else None
        names = [serials_field_name(each.line), quantity_field_name(each.line)] if each is not None else []
        self.add_error(next((name for name in names if name in self.fields), None), str(refusal))

    # --- Display ---

    def is_reduced(self) -> bool:
        """Whether the refund of a valid form is less than was paid for its items, because a part
        was already refunded.
        """
        return any(each.amount < each.line.refund_amount(each.quantity).amount for each in self.checked_lines)

    def items(self) -> list[ReturnItem]:
        """Return all items of the order, with fields for those that can be returned."""
        lines = self.eligibility.lines
        latest_deadline = max((each.deadline for each in lines), default=self.now)
        return [
            ReturnItem(
                each,
                self.eligibility.order.currency,
                self._field(quantity_field_name(each.line)),
                self._field(serials_field_name(each.line)),
                each.last_moment if each.deadline < latest_deadline else None,
            )
            for each in lines
        ]

    def _field(self, name: str) -> BoundField | None:
        return self[name] if name in self.fields else None

    def first_field(self) -> BoundField:
        """Return the field that the error summary links non-field errors to."""
        return next((item.quantity for item in self.items() if item.quantity is not None), self["reason"])

    def hidden_values(self) -> list[tuple[str, Any]]:
        """Return names and values of a valid form, for hidden inputs on the check page."""
        values: list[tuple[str, Any]] = []
        for each in self.requested_lines():
            values.append((f"line-{each.line_id}-quantity", each.quantity))
            values += [(f"line-{each.line_id}-serials", license_id) for license_id in sorted(each.license_ids)]
        values.append(("reason", self.cleaned_data["reason"].pk))
        values.append(("comment", self.cleaned_data["comment"]))
        values.append(("submission_id", self.cleaned_data["submission_id"]))
        return values
