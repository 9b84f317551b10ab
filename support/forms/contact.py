"""The contact form and the form for a reply in a thread."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.forms import PageForm
from files.forms import MultipleUploadField
from notifications.addresses import mask_address
from orders.forms import MessageField, error_messages
from orders.models import Order
from support.forms.contact_messages import MAX_FILES, MESSAGE_MAX_LENGTH, NO_CARD_OR_PASSWORD, ContactMessageForm

SUBJECT_MAX_LENGTH = 200


class ContactForm(ContactMessageForm):
    """A message to support, optionally about one of the orders that are open in the session."""

    form_name = "contact"

    order = forms.ChoiceField(
        label=_("Which order is it about?"),
        required=False,
        error_messages={"invalid_choice": _("Please choose one of the orders in the list.")},
    )
    subject = MessageField(
        label=_("What is it about?"),
        max_length=SUBJECT_MAX_LENGTH,
        widget=forms.TextInput(),
        error_messages=error_messages(_("Please say in a few words what it is about.")),
    )
    message = MessageField(
        label=_("Your message"),
        max_length=MESSAGE_MAX_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = MultipleUploadField(  # type: ignore[assignment]  # a field, which becomes no attribute
        label=_("Files"),
        required=False,
        max_files=MAX_FILES,
        help_text=_("Such as the order confirmation, or a screenshot of what goes wrong."),
    )

    def __init__(
        self, orders: list[Order], data: Any = None, files: Any = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        default = {"order": str(orders[0].public_id)} if orders else {}
        super().__init__(data, files, initial=default | (initial or {}))
        self.orders = {str(order.public_id): order for order in orders}
        if not orders:
            del self.fields["order"]
            return
        choices = [(key, order.number) for key, order in self.orders.items()]
        self.fields["order"].choices = [*choices, ("", _("None of them"))]  # type: ignore[attr-defined]
        if orders[0].email:
            # The address is not filled in: buyers who used the order password may see it only masked.
            self.fields["email"].required = False
            help_text = _("Empty: the address of the order, %(address)s.") % {"address": mask_address(orders[0].email)}
            self.fields["email"].help_text = help_text

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

    message = MessageField(
        label=_("Your message"),
        max_length=MESSAGE_MAX_LENGTH,
        help_text=NO_CARD_OR_PASSWORD,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages=error_messages(_("Please write your message.")),
    )
    files = MultipleUploadField(label=_("Files"), required=False, max_files=MAX_FILES)  # type: ignore[assignment]
