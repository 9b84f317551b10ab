"""The proof of work that a lookup by card requires while the site is being enumerated.

django-altcha creates and verifies the challenges on this server, without a third party. The browser solves them with
static/js/proof-of-work.js, because the script of django-altcha needs a less strict content security policy.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_altcha import AltchaField, get_altcha_challenge

from orders.rate_limits import Rate, RateLimit, consume

# Maximum number of hashes that the browser calculates (half of them on average): when an enumeration begins, and after
# it has continued. Chromium at a sixth of a desktop's speed, like a cheap phone, makes about 17,000 a second: 2 and 9
# seconds.
EASIEST = 30_000
HARDEST = 150_000
LIFETIME_MILLISECONDS = 10 * 60 * 1000


class ProofOfWorkWidget(forms.HiddenInput):
    """Contains a new challenge, and takes its solution. Unlike django-altcha's widget, it needs none of its files."""

    template_name = "orders/_proof_of_work.html"

    def __init__(self, options: Mapping[str, Any] | None = None, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.options = options or {}

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        challenge = get_altcha_challenge(max_number=self.options["maxnumber"], expires=self.options["expire"])
        context["widget"]["challenge"] = json.dumps(vars(challenge))
        return context


class ProofOfWorkField(AltchaField):
    """A form field whose value is a solved challenge. Each challenge is accepted once.

    `severity` is the difficulty of the challenge, from 0 to 1.
    """

    widget = ProofOfWorkWidget
    default_error_messages = {
        "error": _("We couldn’t verify your browser. Send the form again."),
        "invalid": _("Your browser check expired. Send the form again."),
        "required": _("We need to check your browser first. Send the form again."),
        "replay": _("Your browser check was already used. Send the form again."),
    }

    def __init__(self, severity: float = 0.0, **kwargs: Any) -> None:
        hashes = round(EASIEST + (HARDEST - EASIEST) * severity)
        super().__init__(maxnumber=hashes, expire=LIFETIME_MILLISECONDS, **kwargs)

    def replay_attack_protection(self, payload: str) -> None:
        # Identified by the challenge, because the rest of the payload can be encoded in many ways. `consume` is one
        # atomic statement, so two workers never accept the same solution.
        challenge = str(json.loads(base64.b64decode(payload))["challenge"])
        if not consume([RateLimit("proof-of-work", challenge, Rate(short=1, long=1))], timezone.now()):
            raise forms.ValidationError(self.error_messages["replay"], code="invalid")
