"""The forms by which people find their orders. They check shape only; who may open what is orders/access.py's."""

import re
import unicodedata
from functools import lru_cache
from typing import Any
from uuid import UUID

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from crispy_forms.utils import render_crispy_form
from django import forms
from django.core.exceptions import ValidationError
from django.urls import Resolver404, ResolverMatch, resolve, reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from orders.card_numbers import holds_card_number
from orders.lookup_codes import DIGITS
from orders.models import LAST4
from orders.passwords import MAX_TYPED_LENGTH
from orders.proof_of_work import ProofOfWorkField

NUMBER_LENGTH = 200  # characters as typed, with spaces
EMAIL_LENGTH = 254
DIGITS_LENGTH = 64
NEXT_LENGTH = 200
# One @ with something on both sides. Stores write stranger addresses than validators allow.
EMAIL_SHAPE = re.compile(r"[^\s@]+@[^\s@]+")
NO_CARD_NUMBER = _(
    "This looks like a whole card number. Please never type it here: nobody needs more than its last 4 digits."
)


def plain_digits(typed: str) -> str:
    """Digits of any width as ASCII, without the spaces and dashes that people type between them."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", typed))


def is_page_of_an_order(path: str) -> bool:
    """Whether a path is a page of ours that opens with an order only; whether there is such an order, nobody learns."""
    return _page_of_an_order(path) is not None


def order_of_page(path: str) -> UUID | None:
    """Which order a path of ours is about; None for every other path, and for other people's sites.

    Rooms above whose pages are not named by an order's public id say it themselves: their views carry
    `order_of`, which takes what the URL captured.
    """
    page = _page_of_an_order(path)
    if page is None:
        return None
    order_of = getattr(page.func, "order_of", None)
    return order_of(**page.kwargs) if order_of else page.kwargs.get("public_id")


def is_page_of_all_orders(path: str) -> bool:
    """Whether a path is a page that is about all orders that are open. Its view says so by `of_all_orders`."""
    page = _page_of_an_order(path)
    return page is not None and hasattr(page.func, "of_all_orders")


def _page_of_an_order(path: str) -> ResolverMatch | None:
    if len(path) > NEXT_LENGTH:
        return None
    try:
        page = resolve(path)
    except Resolver404:
        return None
    says_so = hasattr(page.func, "order_of") or hasattr(page.func, "of_all_orders")
    return page if says_so or isinstance(page.kwargs.get("public_id"), UUID) else None


def error_messages(required: Any) -> dict[str, Any]:
    return {
        "required": required,
        "max_length": _("This is too long. Please check what you pasted."),
        "null_characters_not_allowed": _("This has a character that cannot be typed. Please type it anew."),
    }


class NextField(forms.CharField):
    """The page of an order that its person came for. Anything else is nothing, and no error of theirs."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> str:
        path = str(value or "")
        return path if is_page_of_an_order(path) else ""


class PortalForm(forms.Form):
    """What all forms here share: where they post to, and that nobody writes a whole card number into them."""

    way = ""  # the name of its URL, and of its place in the page
    button: Any = ""

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, auto_id=f"id_{self.way}_%s", label_suffix="", **kwargs)

    @property
    def helper(self) -> FormHelper:
        """How crispy-forms draws it."""
        helper = FormHelper()
        helper.form_action = self.action()
        helper.form_id = f"form_{self.way}"
        # Our own words, in the page's language, instead of the browser's bubbles.
        helper.attrs = {"novalidate": ""}
        helper.layout = Layout(*self.fields, StrictButton(self.button, type="submit", css_class="btn-primary btn-wide"))
        return helper

    @property
    def drawn(self) -> SafeString:
        """Fields and button, within templates/orders/_form.html. An untouched form is drawn once for each language."""
        untouched = (
            not self.is_bound and not any(self.initial.values()) and self.fields.keys() == self.base_fields.keys()
        )
        return _untouched(type(self), get_language()) if untouched else self.draw()

    def draw(self) -> SafeString:
        helper = self.helper
        helper.form_tag = False
        helper.disable_csrf = True
        return SafeString(render_crispy_form(self, helper))

    def action(self) -> str:
        return reverse(f"orders:{self.way}")

    def without_card_number(self, name: str) -> str:
        """The value of this field. A whole card number is an error, and not written into the page again."""
        typed = str(self.cleaned_data[name])
        if holds_card_number(unicodedata.normalize("NFKC", typed)):
            self.forget(name)
            raise ValidationError(NO_CARD_NUMBER, code="card_number")
        return typed

    def forget(self, name: str) -> None:
        self.data = {**{key: self.data.get(key) for key in self.data}, name: ""}


@lru_cache(maxsize=64)
def _untouched(form: type[PortalForm], language: str) -> SafeString:
    """An empty form as everybody gets it, in the active language, which is this one."""
    return form().draw()


class EmailForm(PortalForm):
    """A form that asks for the address of the purchase."""

    email = forms.CharField(
        label=_("Email address"),
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages=error_messages(_("Please enter the email address that you used for the purchase.")),
    )

    def clean_email(self) -> str:
        email = self.without_card_number("email")
        if not EMAIL_SHAPE.fullmatch(email):
            raise ValidationError(
                _("An email address has one @ in it, as in name@example.com. Please check it."), code="email"
            )
        return email


class NumberForm(PortalForm):
    way = "find_number"
    button = _("Find my order")

    order_number = forms.CharField(
        label=_("Order number"),
        max_length=NUMBER_LENGTH,
        help_text=_("It stands near the top of your order confirmation."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autocorrect": "off", "spellcheck": "false"}
        ),
        error_messages=error_messages(_("Please enter your order number.")),
    )
    password = forms.CharField(
        label=_("Order password"),
        max_length=MAX_TYPED_LENGTH,
        strip=False,
        help_text=_("It belongs to this order alone. It is not the password of your email or bank."),
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "data-show-label": _("Show"), "data-hide-label": _("Hide")}
        ),
        error_messages=error_messages(_("Please enter the password of the order.")),
    )
    next = NextField(required=False)

    def clean_order_number(self) -> str:
        return self.without_card_number("order_number")


class CardForm(EmailForm):
    way = "find_card"
    button = _("Find my order")

    card_last4 = forms.CharField(
        label=_("Last 4 digits of the card"),
        max_length=DIGITS_LENGTH,
        help_text=_(
            "Apple Pay or Google Pay? Its last 4 digits may differ from your card’s: try both. "
            "PayPal or bank transfer? Use the link by email."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "class": "digits"}),
        error_messages=error_messages(_("Please enter the last 4 digits of the card.")),
    )
    next = NextField(required=False)

    def __init__(self, data: Any = None, *, with_proof_of_work: bool = False, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if with_proof_of_work:
            self.fields["altcha"] = ProofOfWorkField()

    def clean_card_last4(self) -> str:
        digits = plain_digits(self.cleaned_data["card_last4"])
        if LAST4.fullmatch(digits):
            return digits
        if len(digits) > 4 and digits.isdigit():
            self.forget("card_last4")
            raise ValidationError(
                _("Only the last 4 digits, please. Nobody needs the rest of the card number."), code="too_many"
            )
        raise ValidationError(_("Please enter exactly four digits: the last ones on the card."), code="not_four")


class LinkForm(EmailForm):
    way = "find_link"
    button = _("Email me a link")

    next = NextField(required=False)


class CodeForm(PortalForm):
    """The emailed code on top of a lookup by card. Posts to the page of one order."""

    way = "code"
    button = _("Open my order")

    code = forms.CharField(
        label=_("Code from the email"),
        max_length=DIGITS_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "digits"}),
        error_messages=error_messages(_("Please enter the code from the email.")),
    )

    def __init__(self, public_id: UUID, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.public_id = public_id

    def action(self) -> str:
        return reverse("orders:code", args=[self.public_id])

    def clean_code(self) -> str:
        digits = plain_digits(self.cleaned_data["code"])
        if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", digits):
            raise ValidationError(_("The code has %(count)s digits."), params={"count": DIGITS}, code="shape")
        return digits
