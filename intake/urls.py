from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

app_name = "intake"


def webhook(dotted_path: str) -> Callable[..., HttpResponse]:
    """Return a view that is imported on its first request: webhook libraries would add 13 MB to each web process."""

    @csrf_exempt
    def view(request: HttpRequest, **kwargs: str) -> HttpResponse:
        response: HttpResponse = import_string(dotted_path)(request, **kwargs)
        return response

    return view


receive_store_event = webhook("intake.webhooks.stores.receive_store_event")

urlpatterns = [
    path("api/activations/", webhook("intake.webhooks.activations.receive_activations"), name="activations"),
    path("api/bounces/<slug:provider>/", webhook("intake.webhooks.bounces.receive_bounces"), name="bounces"),
    path("api/stores/<slug:store>/<slug:format>/", receive_store_event, name="store_events"),
    path(
        "api/stores/<slug:store>/<slug:format>", receive_store_event, name="store_events_bare"
    ),  # a redirect would lose the body
]
