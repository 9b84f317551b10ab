"""The link by which the old address undoes a correction: signed, good for 48 hours, opened by a button."""

from django.core import signing

from orders.models import AddressCorrection

_signer = signing.Signer(sep=".", salt="orders.correction_links")


def make_token(correction: AddressCorrection) -> str:
    return _signer.sign(str(correction.pk))


def read_token(token: str) -> AddressCorrection | None:
    """The correction that this token was made for, whatever became of it; None where we never made it."""
    try:
        pk = int(_signer.unsign(token.replace("\x00", "")))
    except (signing.BadSignature, ValueError):
        return None
    return AddressCorrection.objects.filter(pk=pk).select_related("order__store").first()
