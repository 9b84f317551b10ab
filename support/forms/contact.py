"""A message to support, and what is added to a thread later."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.forms import PageForm
from files.forms import MultipleUploadField
from notifications.addresses import mask_address
from orders.forms import error_messages
from orders.models import Order
from support.forms.letters import MESSAGE_LENGTH, MOST_FILES, NO_CARD_OR_PASSWORD, LetterForm

SUBJECT_LENGTH = 200


class ContactForm(LetterForm):
    """A message to support, about an order where one is open."""

    form_name = "contact"

    order = forms.ChoiceField(
        label=_("Which order is it about?"),
        required=False,
        error_messages={"invalid_choice": _("Please choose one of the orders in the list.")},
    )
    subject = forms.CharField(
        label=_("What is it about?"),
        max_length=SUBJECT_LENGTH,
        widget=forms.TextInput(),
        error_messages=error_messages(_("Please say in a few words what it is about.")),
    )
    message = forms.CharField(
        label=_("Your message"),
        max_length=MESSAGE_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = MultipleUploadField(  # type: ignore[assignment]  # a field, which becomes no attribute
        label=_("Files"),
        required=False,
        max_files=MOST_FILES,
        help_text=_("Such as the order confirmation, or a screenshot of what goes wrong."),
    )

    def __init__(
        self, orders: list[Order], data: Any = None, files: Any = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        first = {"order": str(orders[0].public_id)} if orders else {}
        super().__init__(data, files, initial=first | (initial or {}))
        self.orders = {str(order.public_id): order for order in orders}
        if not orders:
            del self.fields["order"]
            return
        choices = [(key, order.number) for key, order in self.orders.items()]
        self.fields["order"].choices = [*choices, ("", _("None of them"))]  # type: ignore[attr-defined]
        if orders[0].email:
            # Whoever opened it by its number and password sees the address masked, and so it is not written here.
            self.fields["email"].required = False
            words = _("Empty: the address of the order, %(address)s.") % {"address": mask_address(orders[0].email)}
            self.fields["email"].help_text = words

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
        return self.one_line("subject")

    def clean_message(self) -> str:
        return self.reject_card_number("message")

    @property
    def chosen_order(self) -> Order | None:
        return self.orders.get(self.cleaned_data.get("order", ""))


class ReplyForm(PageForm):
    """What is added to a thread."""

    form_name = "reply"

    message = forms.CharField(
        label=_("Your message"),
        max_length=MESSAGE_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = MultipleUploadField(label=_("Files"), required=False, max_files=MOST_FILES)  # type: ignore[assignment]

    def clean_message(self) -> str:
        return self.reject_card_number("message")
