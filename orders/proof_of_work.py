"""The proof of work that a lookup by card requires while the site is being enumerated.

django-altcha creates and verifies the challenges on this server, without a third party. The browser solves them with
static/js/proof-of-work.js, because the script of django-altcha needs a less strict content security policy.
"""

import base64
import json
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_altcha import AltchaField, AltchaWidget

from orders.rate_limits import Rate, RateLimit, consume

MAX_NUMBER = 150_000  # upper bound of hashes to compute; about a second on a cheap phone
LIFETIME_MILLISECONDS = 10 * 60 * 1000


class ProofOfWorkWidget(AltchaWidget):
    template_name = "orders/_proof_of_work.html"


class ProofOfWorkField(AltchaField):
    """A form field whose value is a solved challenge. Each challenge is accepted once."""

    widget = ProofOfWorkWidget
    default_error_messages = {
        "error": _("The check of your browser could not be read. Please send the form again."),
        "invalid": _("The check of your browser is too old. Please send the form again."),
        "required": _("Your browser has to pass a short check first. Please send the form again."),
        "replay": _("The check of your browser was used already. Please send the form again."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maxnumber=MAX_NUMBER, expire=LIFETIME_MILLISECONDS, **kwargs)

    def replay_attack_protection(self, payload: str) -> None:
        # Identified by the challenge, because the rest of the payload can be encoded in many ways. `consume` is one
        # atomic statement, so two workers never accept the same solution.
        challenge = str(json.loads(base64.b64decode(payload))["challenge"])
        if not consume([RateLimit("proof-of-work", challenge, Rate(short=1, long=1))], timezone.now()):
            raise forms.ValidationError(self.error_messages["replay"], code="invalid")
