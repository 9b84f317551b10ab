"""Which item is swapped, and for what."""

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

from cases.forms import COMMENT_LENGTH, SubmissionForm, plain
from cases.refusals import Refusal
from orders.forms import error_messages
from orders.money import format_money
from refunds.differences import price_difference
from refunds.eligibility import Eligibility, Returnable
from refunds.models import SwapOffer
from refunds.services import swaps
from refunds.services.swaps import Wish

ANOTHER = "another"


@dataclass(frozen=True)
class Priced:
    """One offer for one item, as the form lists it."""

    offer: SwapOffer
    difference: str


@dataclass(frozen=True)
class Swappable:
    """One item as the form shows it: what each offer would cost, or why it cannot be swapped."""

    returnable: Returnable
    paid: Decimal  # for the unit that would be swapped
    offers: list[Priced]


class SwapForm(SubmissionForm):
    """One item of an order, and the product wanted instead."""

    form_name = "swap"

    line = forms.ChoiceField(
        label=_("Which item?"),
        widget=forms.RadioSelect,
        error_messages=error_messages(_("Please choose the item that you would like to swap.")),
    )
    wanted = forms.ChoiceField(
        label=_("What would you like instead?"),
        error_messages=error_messages(_("Please choose a product."))
        | {"invalid_choice": _("Please choose one of the products in the list.")},
    )
    comment = forms.CharField(
        label=_("Anything that support should know?"),
        required=False,
        max_length=COMMENT_LENGTH,
        help_text=_("For another product: which one. Please no card numbers and no passwords."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=error_messages(""),
    )

    def __init__(self, eligibility: Eligibility, offers: Sequence[SwapOffer], now: datetime, data: Any = None) -> None:
        self.eligibility = eligibility
        self.now = now
        self.offers = {str(offer.pk): offer for offer in offers}
        self.judged: Returnable | None = None
        self.free = [each for each in eligibility.lines if not each.refusal]
        only = {"line": str(self.free[0].line.pk)} if len(self.free) == 1 else {}
        super().__init__(data, initial=only)
        # Every item of the order, so that the service says why one cannot be swapped.
        self._choices("line").choices = [(str(each.line.pk), each.line.name) for each in eligibility.lines]
        self._choices("line").error_messages["invalid_choice"] = _("This item is not part of the order.")
        self._choices("wanted").choices = [
            ("", _("Please choose")),
            *((key, self._label(offer)) for key, offer in self.offers.items()),
            (ANOTHER, _("Another product")),
        ]

    def _choices(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    def _label(self, offer: SwapOffer) -> str:
        """Its name with the difference, where that is the same for every item; else with its price."""
        differences = {swaps.difference(each, offer, self._currency) for each in self.free}
        if len(differences) == 1:
            return f"{offer.name} – {price_difference(differences.pop(), self._currency)}"
        return f"{offer.name} – {format_money(offer.price, self._currency)}"

    @property
    def _currency(self) -> str:
        return self.eligibility.order.currency

    # --- Judging it ---

    @property
    def submission_id_of_order(self) -> UUID | None:
        return self.submission_of(self.eligibility.order.public_id, "swap")

    def clean_comment(self) -> str:
        return self.reject_card_number("comment")

    def clean_line(self) -> int:
        return int(plain(self.cleaned_data["line"]))

    def clean(self) -> None:
        if self.errors:
            return
        if self.cleaned_data["wanted"] == ANOTHER and not self.cleaned_data["comment"].strip():
            self.add_error("comment", ValidationError(_("Please write which product you would like instead.")))
            return
        try:
            self.judged = swaps.check(self.eligibility, self.wish(), self.now)
        except Refusal as refusal:
            self.add_refusal(refusal)

    def add_refusal(self, refusal: Refusal) -> None:
        """Say why a service refused, at the field that it is about."""
        self.add_error("line" if refusal.line_id is not None else None, str(refusal))

    def wish(self) -> Wish:
        """What the valid form asks for."""
        return Wish(
            self.cleaned_data["line"], self.offers.get(self.cleaned_data["wanted"]), self.cleaned_data["comment"]
        )

    # --- Showing it ---

    def difference(self) -> Decimal | None:
        """What the wish of the valid form costs; None where no offer was chosen."""
        wish = self.wish()
        assert self.judged is not None
        return swaps.difference(self.judged, wish.offer, self._currency) if wish.offer else None

    def items(self) -> list[Swappable]:
        """Every item of the order, with what each offer costs for it."""
        return [
            Swappable(
                each,
                each.share(1, self._currency).amount if not each.refusal else each.paid,
                [self._priced(each, offer) for offer in self.offers.values()] if not each.refusal else [],
            )
            for each in self.eligibility.lines
        ]

    def _priced(self, each: Returnable, offer: SwapOffer) -> Priced:
        return Priced(offer, price_difference(swaps.difference(each, offer, self._currency), self._currency))

    def first_field(self) -> BoundField:
        """Where an error leads that is about no field of its own."""
        return self["line"]

    def repeated(self) -> list[tuple[str, Any]]:
        """Names and values of a valid form, for the forms of the check page."""
        return [(name, self.cleaned_data[name]) for name in ("line", "wanted", "comment", "submission_id")]
