"""Why something was found, best reasons first."""

from enum import IntEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Reason(IntEnum):
    """A smaller number is a better match."""

    ADDRESS = 0
    NUMBER = 1
    SERIAL = 2
    REFERENCE = 3
    CODE = 4
    NUMBER_DIGITS = 10
    SERIAL_DIGITS = 11
    CARD = 20
    AMOUNT = 21
    POSTCODE = 22
    NAME = 23
    ADDRESS_BEGINNING = 30
    NUMBER_BEGINNING = 31
    SERIAL_BEGINNING = 32
    REFERENCE_BEGINNING = 33
    NAME_BEGINNING = 34
    NUMBER_ENDING = 40
    ADDRESS_SLIP = 50
    NUMBER_SLIP = 51
    SERIAL_SLIP = 52
    REFERENCE_SLIP = 53
    CODE_SLIP = 54
    NAME_SLIP = 55
    RELATED = 90  # belongs to an order or a person that was found

    @property
    def label(self) -> Any:
        return _LABELS[self]

    @property
    def tier(self) -> int:
        """Matches of one tier are equally good; newer ones come first."""
        return self.value // 10

    @property
    def identifies(self) -> bool:
        """Whether it names one person or order, rather than a property that many have."""
        return self not in (Reason.CARD, Reason.AMOUNT, Reason.POSTCODE, Reason.NUMBER_ENDING)


_LABELS = {
    Reason.ADDRESS: _("email address"),
    Reason.NUMBER: _("order number"),
    Reason.SERIAL: _("serial number"),
    Reason.REFERENCE: _("reference"),
    Reason.CODE: _("code of the email"),
    Reason.NUMBER_DIGITS: _("digits of the order number"),
    Reason.SERIAL_DIGITS: _("serial number without its prefix"),
    Reason.CARD: _("last 4 digits of the card"),
    Reason.AMOUNT: _("total"),
    Reason.POSTCODE: _("postcode"),
    Reason.NAME: _("name"),
    Reason.ADDRESS_BEGINNING: _("beginning of the email address"),
    Reason.NUMBER_BEGINNING: _("beginning of the order number"),
    Reason.SERIAL_BEGINNING: _("beginning of the serial number"),
    Reason.REFERENCE_BEGINNING: _("beginning of the reference"),
    Reason.NAME_BEGINNING: _("beginning of the name"),
    Reason.NUMBER_ENDING: _("last digits of the order number"),
    Reason.ADDRESS_SLIP: _("similar email address"),
    Reason.NUMBER_SLIP: _("similar order number"),
    Reason.SERIAL_SLIP: _("similar serial number"),
    Reason.REFERENCE_SLIP: _("similar reference"),
    Reason.CODE_SLIP: _("similar code of an email"),
    Reason.NAME_SLIP: _("similar name"),
    Reason.RELATED: _("belongs to an order or a person above"),
}
