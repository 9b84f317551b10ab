"""The contact form and the form for a reply in a thread."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.forms import PageForm
from files.forms import MultipleUploadField
from notifications.addresses import mask_address
from orders import formats
from orders.forms import MessageField, error_messages
from orders.models import Order
from orders.money import format_money
from support.forms.contact_messages import MAX_FILES, MESSAGE_MAX_LENGTH, NO_CARD_OR_PASSWORD, ContactMessageForm

SUBJECT_MAX_LENGTH = 200


def _describe(order: Order) -> str:
    """Describe an order in the list of choices, by what its buyer remembers of it."""
    bought_on = formats.local_day(order.placed_at, order.locality)
    return f"{order.number} – {bought_on} – {format_money(order.total, order.currency)}"


class ContactForm(ContactMessageForm):
    """A message to support, optionally about one of the orders that are open in the session."""

    form_name = "contact"
    withheld_fields = frozenset({"files"})

    order = forms.ChoiceField(
        label=_("Which order is it about?"),
        required=False,
        error_messages={"invalid_choice": _("Choose one of the orders in the list.")},
    )
    subject = MessageField(
        label=_("Subject"),
        max_length=SUBJECT_MAX_LENGTH,
        widget=forms.TextInput(),
        error_messages=error_messages(_("Enter a subject, for example “The installer stops”.")),
    )
    message = MessageField(
        label=_("Your message"),
        max_length=MESSAGE_MAX_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages=error_messages(_("Enter your message.")),
    )
    files = MultipleUploadField(  # type: ignore[assignment]  # a field, which becomes no attribute
        label=_("Files (optional)"),
        required=False,
        max_files=MAX_FILES,
        help_text=_("For example your order confirmation or a screenshot of the problem."),
    )

    def __init__(
        self, orders: list[Order], data: Any = None, files: Any = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        self.orders = {str(order.public_id): order for order in orders}
        super().__init__(data, files, initial=(initial or {}) | {"order": self._preselected(initial or {})})
        if not orders:
            del self.fields["order"]
            return
        choices = [(key, _describe(order)) for key, order in self.orders.items()]
        none = ("", _("It isn’t about an order") if len(orders) == 1 else _("None of these orders"))
        self.fields["order"].choices = [*choices, none]  # type: ignore[attr-defined]
        if any(order.email for order in orders):
            # The address is not filled in: buyers who used the order password may see it only masked.
            self.fields["email"].required = False
            self.fields["email"].help_text = self._email_help()

    def _preselected(self, initial: dict[str, Any]) -> str:
        """The key of the open order that the buyer came from or chose. Without one, of the only open order."""
        if "order" in initial:
            key = str(initial["order"]).lower()
            return key if key in self.orders else ""
        return next(iter(self.orders)) if len(self.orders) == 1 else ""

    def _email_help(self) -> Any:
        order = self.attached_order
        if order is None:
            return _("Leave it empty to use the email address of the order you chose.")
        return _("Leave it empty to use %(address)s.") % {"address": mask_address(order.email)}

    @property
    def attached_order(self) -> Order | None:
        """The order that is selected when the form is shown."""
        return self.orders.get(str(self["order"].value() or "")) if self.orders else None

    def clean_email(self) -> str:
        return super().clean_email() if str(self.cleaned_data["email"]).strip() else ""

    def clean(self) -> None:
        if self.cleaned_data.get("email") == "":
            order = self.chosen_order
            if order is not None and order.email:
                self.cleaned_data["email"] = order.email
            else:
                self.add_error("email", self.fields["email"].error_messages["required"])

    def clean_subject(self) -> str:
        return self.cleaned_line("subject")

    @property
    def chosen_order(self) -> Order | None:
        return self.orders.get(self.cleaned_data.get("order", ""))


class ReplyForm(PageForm):
    """A further message in a thread."""

    form_name = "reply"
    withheld_fields = frozenset({"files"})

    message = MessageField(
        label=_("Your message"),
        max_length=MESSAGE_MAX_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Enter your message.")),
    )
    files = MultipleUploadField(label=_("Files (optional)"), required=False, max_files=MAX_FILES)  # type: ignore[assignment]
