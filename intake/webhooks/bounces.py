"""The webhook for bounces, in the format of any email provider that django-anymail supports.

django-anymail parses the requests and checks their secret; this module records its events as bounces.
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

from notifications import bounces
from notifications.bounces import Bounce

FINAL = (EventType.BOUNCED, EventType.REJECTED, EventType.FAILED)
NOT_FINAL = (EventType.DEFERRED,)


def receive_bounces(request: HttpRequest, provider: str) -> HttpResponse:
    """Process a provider's request, such as `/api/bounces/postmark/`. 404 without a secret or for unknown providers."""
    try:
        match = resolve(f"/{provider}/tracking/", urlconf="anymail.urls") if settings.ANYMAIL_WEBHOOK_SECRET else None
    except Resolver404:
        match = None
    if match is None:
        return JsonResponse({"error": "unknown"}, status=404)
    try:
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except SuspiciousOperation:
        return JsonResponse({"error": "secret", "message": "The secret is missing or wrong."}, status=401)
    except (AnymailError, ImproperlyConfigured, ValueError, LookupError, TypeError, AttributeError):
        return JsonResponse({"error": "content", "message": "This is not what this provider sends."}, status=400)
    return response


@receiver(tracking)
def record_event(sender: Any, event: AnymailTrackingEvent, esp_name: str, **_details: Any) -> None:
    """Record one event, unless it is not about a bounced or delayed email."""
    if event.event_type not in FINAL + NOT_FINAL:
        return
    reason = event.description or event.mta_response or event.reject_reason or esp_name
    raw_event = json.dumps(event.esp_event, default=str)
    bounces.record_bounce(
        Bounce(
            recipient=str(event.recipient or ""),
            reason=str(reason),
            is_final=event.event_type in FINAL,
            message_id=bounces.find_message_id(f"{event.message_id} {raw_event}"),
        ),
        timezone.now(),
    )
