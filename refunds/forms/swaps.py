"""The form of a product swap: the item and the product wanted instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from cases.forms import COMMENT_LENGTH, SubmissionForm, normalize_typed
from cases.refusals import Refusal
from orders.forms import MessageField, error_messages
from orders.money import format_money
from refunds.eligibility import LineEligibility
from refunds.models import SwapOffer
from refunds.price_differences import format_price_difference
from refunds.services import swaps
from refunds.services.swaps import SwapEligibility, SwapRequest

OTHER_PRODUCT = "another"  # the choice of a product that is not among the offers


@dataclass(frozen=True)
class PricedOffer:
    """One offer with its price difference to one item, as text."""

    offer: SwapOffer
    difference: str


@dataclass(frozen=True)
class SwapItem:
    """One item as the template shows it, with the price differences if it can be swapped."""

    returnable: LineEligibility
    paid: Decimal  # for the unit to swap; for the whole line if it cannot be swapped
    offers: list[PricedOffer]


class SwapForm(SubmissionForm):
    """A swap request for one order. After validation, `checked_line` holds the line to swap."""

    form_name = "swap"

    line = forms.ChoiceField(
        label=_("Which item would you like to swap?"),
        widget=forms.RadioSelect,
        error_messages=error_messages(_("Select the item you’d like to swap.")),
    )
    wanted = forms.ChoiceField(
        label=_("Which product would you like instead?"),
        error_messages=error_messages(_("Select a product."))
        | {"invalid_choice": _("Select a product from the list.")},
    )
    comment = MessageField(
        label=_("Anything we should know? (optional)"),
        required=False,
        max_length=COMMENT_LENGTH,
        help_text=_("If you chose another product, write which one. Don’t include card numbers or passwords."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=error_messages(""),
    )

    def __init__(
        self, eligibility: SwapEligibility, offers: Sequence[SwapOffer], now: datetime, data: Any = None
    ) -> None:
        self.eligibility = eligibility
        self.now = now
        self.offers = {str(offer.pk): offer for offer in offers}
        self.checked_line: LineEligibility | None = None
        self.swappable = [each for each in eligibility.lines if not each.refusal]
        offered = {offer.pk for each in self.swappable for offer in eligibility.offers_for(each, offers)}
        initial = {"line": str(self.swappable[0].line.pk)} if len(self.swappable) == 1 else {}
        super().__init__(data, initial=initial)
        # All items are valid choices, so that the service can say why one cannot be swapped.
        self._choice_field("line").choices = [(str(each.line.pk), each.line.name) for each in eligibility.lines]
        self._choice_field("line").error_messages["invalid_choice"] = _("This item isn’t part of the order.")
        self._choice_field("wanted").choices = [
            ("", _("Select a product")),
            *((key, self._label(offer)) for key, offer in self.offers.items() if offer.pk in offered),
            (OTHER_PRODUCT, _("Another product")),
        ]

    def _choice_field(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    def _label(self, offer: SwapOffer) -> str:
        """Return the offer's name with the price difference if it is the same for all its items, otherwise with its
        price.
        """
        lines = [each for each in self.swappable if self.eligibility.offers_for(each, [offer])]
        differences = {swaps.price_difference(each, offer) for each in lines}
        if len(differences) == 1:
            return f"{offer.name} – {format_price_difference(differences.pop(), self._currency)}"
        return f"{offer.name} – {format_money(offer.price, self._currency)}"

    @property
    def _currency(self) -> str:
        return self.eligibility.order.currency

    # --- Validation ---

    @property
    def order_submission_id(self) -> UUID | None:
        return self.make_submission_id(self.eligibility.order.public_id, "swap")

    def clean_line(self) -> int:
        return int(normalize_typed(self.cleaned_data["line"]))

    def clean(self) -> None:
        wanted, comment = self.cleaned_data.get("wanted"), self.cleaned_data.get("comment", "")
        if wanted == OTHER_PRODUCT and "comment" not in self.errors and not comment.strip():
            self.add_error("comment", ValidationError(_("Enter the product you’d like instead.")))
        # Errors of the item are shown together with those of the comment.
        if {"line", "wanted"} & self.errors.keys() or (wanted == OTHER_PRODUCT and "comment" in self.errors):
            return
        try:
            self.checked_line = swaps.check_request(self.eligibility, self.swap_request(), self.now)
        except Refusal as refusal:
            self.add_refusal(refusal)

    def add_refusal(self, refusal: Refusal) -> None:
        """Add a refusal of the service as an error of the field that caused it."""
        self.add_error("line" if refusal.line_id is not None else None, str(refusal))

    def swap_request(self) -> SwapRequest:
        """Return the request of a form with a valid item and product."""
        return SwapRequest(
            self.cleaned_data["line"],
            self.offers.get(self.cleaned_data["wanted"]),
            self.cleaned_data.get("comment", ""),
        )

    # --- Display ---

    def price_difference(self) -> Decimal | None:
        """Return the price difference of a valid form, or None if no offer was chosen."""
        request = self.swap_request()
        assert self.checked_line is not None
        return swaps.price_difference(self.checked_line, request.offer) if request.offer else None

    def items(self) -> list[SwapItem]:
        """Return all items of the order, with the price difference of each offer for those that can be swapped."""
        return [
            SwapItem(
                each,
                each.refund_amount(1).amount if not each.refusal else each.paid,
                [self._priced(each, offer) for offer in self.eligibility.offers_for(each, self.offers.values())],
            )
            for each in self.eligibility.lines
        ]

    def _priced(self, each: LineEligibility, offer: SwapOffer) -> PricedOffer:
        return PricedOffer(offer, format_price_difference(swaps.price_difference(each, offer), self._currency))

    def first_field(self) -> BoundField:
        """Return the field that the error summary links non-field errors to."""
        return self["line"]

    def hidden_values(self) -> list[tuple[str, Any]]:
        """Return names and values of a valid form, for hidden inputs on the check page."""
        return [(name, self.cleaned_data[name]) for name in ("line", "wanted", "comment", "submission_id")]
