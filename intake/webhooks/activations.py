"""POST /api/activations/: events about devices from a vendor's activation server. See docs/activations.md."""

import hashlib
import unicodedata
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from intake.records import Serial, Time
from intake.webhooks.signatures import CLOCK_TOLERANCE, RequestRejected, verify_signature
from licenses.services import activations
from licenses.services.activations import Event, EventResults, EventType

MAX_BYTES = 256 * 1024
MAX_EVENTS = 500
MAX_PROBLEMS = 20
BUSY_SECONDS = 5


def _printable(text: str) -> str:
    """Refuse invisible and bidirectional control characters, because names are shown on pages."""
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in text):
        raise ValueError("contains control characters")
    return text


def _not_in_future(at: Any) -> Any:
    if at > timezone.now() + CLOCK_TOLERANCE:
        raise ValueError("is in the future; check the clock")
    return at


Printable = AfterValidator(_printable)
Id = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), Printable]
DeviceId = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), Printable]
Name = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), Printable]
Platform = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True), Printable]


class EventRecord(BaseModel):
    """One event in the request body."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    type: EventType
    serial: Annotated[Serial, Printable]
    device: DeviceId
    name: Name = ""
    platform: Platform = ""
    at: Annotated[Time, AfterValidator(_not_in_future)]

    def to_event(self) -> Event:
        content = self.model_dump_json()
        return Event(
            id=self.id,
            type=self.type,
            serial=self.serial,
            device=self.device,
            at=self.at,
            digest=hashlib.sha256(content.encode()).hexdigest(),
            name=self.name,
            platform=self.platform,
        )


class Batch(BaseModel):
    """The request body. Without events, it only requests the list of devices to release."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[EventRecord], Field(max_length=MAX_EVENTS)]


@never_cache
def receive_activations(request: HttpRequest) -> JsonResponse:
    """Process a signed batch. Responds with JSON: 200 with a result for each event, or an error."""
    if request.method != "POST":
        return _error(405, "method", "Send POST.", headers={"Allow": "POST"})
    try:
        signed = verify_signature(request, settings.ACTIVATION_KEYS, MAX_BYTES)
        events = [record.to_event() for record in Batch.model_validate_json(signed.body).events]
        return JsonResponse(_response_body(events, activations.process_events(signed.key_id, events)))
    except RequestRejected as refusal:
        return _error(refusal.status, refusal.code, str(refusal))
    except ValidationError as error:
        return _error(400, "invalid", "Nothing was taken. See what is wrong with it.", problems=_problems(error))
    except activations.EventIdReused as reused:
        sentence = "Nothing was taken: these ids were told before with other content. Give new events new ids."
        return _error(409, "reused_id", sentence, ids=list(reused.event_ids[:MAX_PROBLEMS]))
    except activations.LicensesLocked:
        headers = {"Retry-After": str(BUSY_SECONDS)}
        return _error(503, "busy", "Nothing was taken: these licenses are being changed. Try again.", headers=headers)


def _response_body(events: list[Event], answer: EventResults) -> dict[str, Any]:
    return {
        "results": [
            {"id": event.id, "result": outcome.value} for event, outcome in zip(events, answer.outcomes, strict=True)
        ],
        "released": [
            {"serial": freed.serial, "device": freed.device, "released_at": freed.released_at.isoformat()}
            for freed in answer.released
        ],
        "more_released": answer.more_released,
    }


def _problems(error: ValidationError) -> list[dict[str, str]]:
    """The validation errors, without the values that were sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        {"at": ".".join(str(step) for step in each["loc"]), "problem": each["msg"]} for each in found[:MAX_PROBLEMS]
    ]


def _error(status: int, code: str, sentence: str, headers: dict[str, str] | None = None, **more: Any) -> JsonResponse:
    return JsonResponse({"error": code, "message": sentence, **more}, status=status, headers=headers)
