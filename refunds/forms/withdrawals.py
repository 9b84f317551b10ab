"""The form of a withdrawal from a contract."""

from collections.abc import Callable
from dataclasses import astuple
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from cases.forms import SubmissionForm
from orders.forms import NUMBER_LENGTH, EmailForm, OrderNumberField, error_messages
from refunds.services.withdrawals import WithdrawalStatement
from refunds.statements import clean_name, clean_order_number, without_invisible

NAME_LENGTH = 200
# Namespace for submission ids of this form. Clients choose them, so they must not match other kinds of submissions.
SUBMISSION_NAMESPACE = UUID("6f0d1c0e-7c43-4c55-9d0b-0f1e2d5a4b11")


class WithdrawalForm(SubmissionForm, EmailForm):
    """Name, order number, and the email address for the acknowledgement. No reason is asked for.

    `is_open_order` says whether an order with this number is open in the browser. Its number is accepted unchanged.
    """

    form_name = "withdraw"

    name = forms.CharField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages=error_messages(_("Enter your name.")),
    )
    order_number = OrderNumberField(
        label=_("Order number"),
        max_length=NUMBER_LENGTH,
        help_text=_("It’s near the top of your order confirmation."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages=error_messages(_("Enter your order number, for example AB-12345.")),
    )

    field_order = ["name", "order_number", "email", "submission_id"]

    def __init__(
        self, data: Any = None, *, is_open_order: Callable[[str], bool] = lambda number: False, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.is_open_order = is_open_order
        self.fields["email"].label = _("Email address")
        self.fields["email"].help_text = _(
            "We’ll send the confirmation of receipt there. Use the one from your purchase if you can."
        )
        self.fields["email"].error_messages["required"] = _("Enter your email address, for example name@example.com.")

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        if not name:
            message = _(
                "Use only letters, spaces, hyphens and apostrophes in your name. Dots can follow initials and titles, "
                "for example Dr. Ann O’Neil-Smith."
            )
            raise ValidationError(message, code="name")
        return name

    def clean_order_number(self) -> str:
        line = " ".join(without_invisible(self.cleaned_data["order_number"]).split())
        if not clean_order_number(line) and not self.is_open_order(line):
            message = _(
                "Use only letters, digits and hyphens in the order number. Don’t know it? Enter the day you bought, "
                "for example 2026-11-23."
            )
            raise ValidationError(message, code="order_number")
        return line

    @property
    def statement(self) -> WithdrawalStatement:
        """The statement of a valid form."""
        data = self.cleaned_data
        return WithdrawalStatement(data["name"], data["order_number"], data["email"].strip())

    @property
    def scoped_submission_id(self) -> UUID | None:
        """The submission id, derived from the form's id and its content: a changed statement is a new submission."""
        return self.make_submission_id(SUBMISSION_NAMESPACE, *astuple(self.statement))

    def first_field(self) -> BoundField:
        return self["name"]

    def hidden_values(self) -> list[tuple[str, str]]:
        """Return names and values of a valid form, for hidden inputs on the check page."""
        return [(name, self.cleaned_data[name]) for name in self.field_order]
