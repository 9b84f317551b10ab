"""The proof of work that a lookup by card asks for while the site is being enumerated.

django-altcha makes and judges the challenges, here and without a third party. What the browser does
is static/js/proof-of-work.js: django-altcha's own script needs a looser content security policy.
"""

import base64
import json
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_altcha import AltchaField, AltchaWidget

from orders.rate_limits import Rate, RateLimit, consume

HARDEST = 150_000  # hashes at most; a second or so on a cheap phone
LIFETIME_MILLISECONDS = 10 * 60 * 1000


class ProofOfWorkWidget(AltchaWidget):
    template_name = "orders/_proof_of_work.html"


class ProofOfWorkField(AltchaField):
    """A form field whose value is a solved challenge. Each solution is taken once."""

    widget = ProofOfWorkWidget
    default_error_messages = {
        "error": _("The check of your browser could not be read. Please send the form again."),
        "invalid": _("The check of your browser is too old. Please send the form again."),
        "required": _("Your browser has to pass a short check first. Please send the form again."),
        "replay": _("The check of your browser was used already. Please send the form again."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maxnumber=HARDEST, expire=LIFETIME_MILLISECONDS, **kwargs)

    def replay_attack_protection(self, payload: str) -> None:
        # By the challenge, for the rest of the payload can be written in many ways. In PostgreSQL and by one
        # statement, so that two workers never both take one solution.
        challenge = str(json.loads(base64.b64decode(payload))["challenge"])
        if not consume([RateLimit("proof-of-work", challenge, Rate(short=1, long=1))], timezone.now()):
            raise forms.ValidationError(self.error_messages["replay"], code="invalid")
