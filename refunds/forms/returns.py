"""Which items go back, why, and what is said about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.forms import COMMENT_LENGTH, SubmissionForm, plain
from cases.refusals import Refusal
from orders.forms import error_messages
from orders.models import OrderLine
from refunds.amounts import Share
from refunds.eligibility import Eligibility, Returnable
from refunds.models import ReturnReason
from refunds.services import returns
from refunds.services.returns import Judged, Wanted

QUANTITY_NAME = re.compile(r"line-(0|[1-9][0-9]{0,17})-quantity")


def quantity_name(line: OrderLine) -> str:
    return f"line-{line.pk}-quantity"


def serials_name(line: OrderLine) -> str:
    return f"line-{line.pk}-serials"


def _whole(sentence: str) -> str:
    """A sentence that Django fills nothing into any more."""
    return sentence.replace("%", "%%")


class QuantityField(forms.IntegerField):
    """How many units of an item go back, none where nothing is typed. Errors name the item."""

    def __init__(self, each: Returnable, **options: Any) -> None:
        said = {"item": each.line.name, "count": each.free}
        limits = {"min": 0, "max": each.free}
        super().__init__(
            required=False,
            label=_("How many go back?"),
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "digits", "autocomplete": "off"} | limits),
            error_messages={"invalid": gettext("%(item)s: please enter a whole number.") % said},
            validators=[
                MinValueValidator(0, _whole(gettext("%(item)s: a quantity cannot be less than zero.") % said)),
                MaxValueValidator(each.free, _whole(gettext("%(item)s: at most %(count)s can be returned.") % said)),
            ],
            **options,
        )

    def to_python(self, value: Any) -> int:
        return super().to_python(plain(value)) or 0


class SerialsField(forms.MultipleChoiceField):
    """Which serial numbers go back with the units, where each unit has its own."""

    def __init__(self, each: Returnable) -> None:
        super().__init__(
            required=False,
            choices=[(str(license.pk), license.serial) for license in each.licenses],
            label=_("Which serial numbers go back?"),
            help_text=_("Only if you keep a part: tick as many as go back."),
            widget=forms.CheckboxSelectMultiple,
            error_messages={"invalid_choice": _("Please choose among the serial numbers that are shown.")},
        )


@dataclass(frozen=True)
class Item:
    """One item as the form shows it: what can go back, and its fields; without fields, why it cannot."""

    returnable: Returnable
    currency: str
    quantity: BoundField | None
    serials: BoundField | None
    last_moment: datetime | None  # at which it can be sent, where other items have longer

    @property
    def one(self) -> Share:
        """What comes back for the next unit."""
        return self.returnable.share(1, self.currency)

    @property
    def all(self) -> Share:
        return self.returnable.share(self.returnable.free, self.currency)


class ReturnForm(SubmissionForm):
    """The items of one order, by what its policy allows now. `judged` holds, once it is valid, what would come back."""

    form_name = "return"

    reason = forms.ChoiceField(
        label=_("Why do you return it?"),
        error_messages=error_messages(_("Please choose a reason."))
        | {"invalid_choice": _("Please choose one of the reasons in the list.")},
    )
    comment = forms.CharField(
        label=_("Anything that support should know?"),
        required=False,
        max_length=COMMENT_LENGTH,
        help_text=_("You need not write anything. Please no card numbers and no passwords."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=error_messages(""),
    )

    def __init__(self, eligibility: Eligibility, now: datetime, data: Any = None) -> None:
        super().__init__(data)
        self.eligibility = eligibility
        self.now = now
        self.judged: list[Judged] = []
        self.reasons = {str(reason.pk): reason for reason in ReturnReason.objects.filter(is_active=True)}
        choices = [("", _("Please choose")), *((key, reason.label) for key, reason in self.reasons.items())]
        self.fields["reason"].choices = choices  # type: ignore[attr-defined]
        free = [each for each in eligibility.lines if not each.refusal]
        for each in free:
            # The usual case: one item, and it goes back.
            self.fields[quantity_name(each.line)] = QuantityField(each, initial=int(len(free) == 1 == each.free))
            if returns.serials_are_chosen(each):
                self.fields[serials_name(each.line)] = SerialsField(each)
        self.order_fields([name for name in self.fields if name not in self.base_fields])  # as they stand on the page

    # --- What was typed ---

    @property
    def submission_id_of_order(self) -> UUID | None:
        return self.submission_of(self.eligibility.order.public_id)

    def typed_wishes(self) -> list[Wanted]:
        """What a form asks for, whether that is possible or not: its whole quantities above zero."""
        return [
            Wanted(int(name[1]), int(quantity))
            for name, quantity in self._typed_quantities()
            if quantity.isdecimal() and 0 < len(quantity) < 10 and int(quantity)
        ]

    def _typed_quantities(self) -> Iterator[tuple[re.Match[str], str]]:
        for field in self.data:
            if (name := QUANTITY_NAME.fullmatch(field)) is not None:
                yield name, plain(self.data.get(field))

    def wishes(self) -> list[Wanted]:
        """What the valid form asks for."""
        return [
            Wanted(
                each.line.pk,
                self.cleaned_data[quantity_name(each.line)],
                frozenset(map(int, self.cleaned_data.get(serials_name(each.line), []))),
            )
            for each in self.eligibility.lines
            if self.cleaned_data.get(quantity_name(each.line))
        ]

    # --- Judging it ---

    def clean_reason(self) -> ReturnReason:
        return self.reasons[self.cleaned_data["reason"]]

    def clean_comment(self) -> str:
        return self.reject_card_number("comment")

    def clean(self) -> None:
        impossible = {
            self._why_not(int(name[1]))
            for name, quantity in self._typed_quantities()
            if name.string not in self.fields and quantity not in ("", "0")
        }
        for sentence in sorted(impossible):
            self.add_error(None, sentence)
        if self.errors:
            return
        try:
            self.judged = returns.check(self.eligibility, self.wishes(), self.now)
        except Refusal as refusal:
            self.add_refusal(refusal)

    def _why_not(self, line_id: int) -> str:
        each = self.eligibility.of(line_id)
        return f"{each.line.name}: {each.refusal}" if each else gettext("This item is not part of the order.")

    def add_refusal(self, refusal: Refusal) -> None:
        """Say why a service refused, at the field that it is about."""
        each = self.eligibility.of(refusal.line_id) if refusal.line_id is not None else None
        names = [serials_name(each.line), quantity_name(each.line)] if each is not None else []
        self.add_error(next((name for name in names if name in self.fields), None), str(refusal))

    def clear_value(self, name: str) -> None:
        kept = cast(QueryDict, self.data).copy()
        kept[name] = ""
        self.data = kept

    # --- Showing it ---

    def items(self) -> list[Item]:
        """Every item of the order, with its fields where some of it can go back."""
        lines = self.eligibility.lines
        until = max((each.until for each in lines), default=self.now)
        return [
            Item(
                each,
                self.eligibility.order.currency,
                self._field(quantity_name(each.line)),
                self._field(serials_name(each.line)),
                each.last_moment if each.until < until else None,
            )
            for each in lines
        ]

    def _field(self, name: str) -> BoundField | None:
        return self[name] if name in self.fields else None

    def first_field(self) -> BoundField:
        """Where an error leads that is about no field of its own."""
        return next((item.quantity for item in self.items() if item.quantity is not None), self["reason"])

    def repeated(self) -> list[tuple[str, Any]]:
        """Names and values of a valid form, for the forms of the check page."""
        values: list[tuple[str, Any]] = []
        for wish in self.wishes():
            values.append((f"line-{wish.line_id}-quantity", wish.quantity))
            values += [(f"line-{wish.line_id}-serials", license_id) for license_id in sorted(wish.license_ids)]
        values.append(("reason", self.cleaned_data["reason"].pk))
        values.append(("comment", self.cleaned_data["comment"]))
        values.append(("submission_id", self.cleaned_data["submission_id"]))
        return values
