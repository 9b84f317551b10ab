"""POST /api/stores/<store>/<format>/: events sent by stores. See docs/webhooks.md.

The response is the same for a wrong store, format, content type or signature, so that it doesn't reveal which stores
exist. Signed events are stored before the response is sent; a worker imports them.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.cache import never_cache

from intake.models import MAX_SECRETS
from intake.services.store_events import Endpoint, count_refusal, find_endpoint, store_events
from intake.webhooks.providers import PROVIDERS, Delivery, Provider

MAX_BYTES = 2 * 1024 * 1024
# Checked if a store has fewer secrets, so that requests for all stores take the same time. It opens nothing.
_DUMMY_SECRET = f"whsec_{'A' * 43}="


@never_cache
def receive_store_event(request: HttpRequest, store: str, format: str) -> HttpResponse:
    """Store the events of a signed request. Responds with 200, 413 if the body is too large, and else 404."""
    provider = PROVIDERS.get(format)
    if provider is not None and provider.answers_get and request.method == "GET":
        return HttpResponse()
    if request.method != "POST" or provider is None:
        return _unknown()
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        sentence = f"The body is larger than {MAX_BYTES // 1024**2} MB. Nothing was stored."
        return JsonResponse({"error": "too_large", "message": sentence}, status=413)
    now = timezone.now()
    try:
        delivery = Delivery(request.headers, request.read(int(length)), int(now.timestamp()))
    except UnreadablePostError:
        return _unknown()  # the client disconnected
    if provider.is_ping(delivery):
        return _taken("")
    endpoint = find_endpoint(store, format)
    secret = _signing_secret(provider, endpoint, delivery)
    if secret is None or endpoint.store_id is None or request.content_type != provider.content_type:
        count_refusal(endpoint.store_id, format, now)
        return _unknown()
    store_events(endpoint.store_id, format, provider.read_events(delivery), now)
    return _taken(provider.answer(delivery, secret))


def _signing_secret(provider: Provider, endpoint: Endpoint, delivery: Delivery) -> str | None:
    """Return the secret that the delivery is signed with. Two secrets are always checked."""
    dummies = [_DUMMY_SECRET] * (MAX_SECRETS - len(endpoint.secrets))
    checked = [(secret, provider.verify(delivery, secret)) for secret in (*endpoint.secrets, *dummies)]
    return next((secret for secret, is_valid in checked[: len(endpoint.secrets)] if is_valid), None)


def _taken(answer: str) -> HttpResponse:
    return HttpResponse(answer) if answer else JsonResponse({"result": "stored"})


def _unknown() -> JsonResponse:
    sentence = "There is no such address, or the request is not signed as it has to be. See docs/webhooks.md."
    return JsonResponse({"error": "unknown", "message": sentence}, status=404)
