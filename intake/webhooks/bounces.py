"""What the mail provider reports of mails that did not arrive, in whatever form it reports it.

django-anymail knows the providers' forms and checks their secret; here its events become bounces.
"""

import json
from typing import Any

from anymail.exceptions import AnymailError
from anymail.signals import AnymailTrackingEvent, EventType, tracking
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from notifications import bounces
from notifications.bounces import Bounce

FINAL = (EventType.BOUNCED, EventType.REJECTED, EventType.FAILED)
NOT_FINAL = (EventType.DEFERRED,)


@csrf_exempt
def take(request: HttpRequest, provider: str) -> HttpResponse:
    """A provider's call, as `/api/bounces/postmark/`. 404 where no secret is set or the provider is not known."""
    try:
        known = resolve(f"/{provider}/tracking/", urlconf="anymail.urls") if settings.ANYMAIL_WEBHOOK_SECRET else None
    except Resolver404:
        known = None
    if known is None:
        return JsonResponse({"error": "unknown"}, status=404)
    try:
        answer: HttpResponse = known.func(request, *known.args, **known.kwargs)
    except SuspiciousOperation:
        return JsonResponse({"error": "secret", "message": "The secret is missing or wrong."}, status=401)
    except (AnymailError, ImproperlyConfigured, ValueError, LookupError, TypeError, AttributeError):
        return JsonResponse({"error": "content", "message": "This is not what this provider sends."}, status=400)
    return answer


@receiver(tracking)
def on_event(sender: Any, event: AnymailTrackingEvent, esp_name: str, **_details: Any) -> None:
    """One event of a provider. What tells of no mail that came back is left alone."""
    if event.event_type not in FINAL + NOT_FINAL:
        return
    reason = event.description or event.mta_response or event.reject_reason or esp_name
    told = json.dumps(event.esp_event, default=str)
    bounces.take(
        Bounce(
            recipient=str(event.recipient or ""),
            reason=str(reason),
            is_final=event.event_type in FINAL,
            message_id=bounces.our_id(f"{event.message_id} {told}"),
        ),
        timezone.now(),
    )
