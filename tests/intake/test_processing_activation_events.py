"""Events of an activation server: devices and first use of licenses, in any order and once each."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licenses.models import ActivationEvent, Device, DeviceRelease, License
from licenses.services.activations import Event, EventType, process_events
from tests.factories import make_license, make_line, make_order
from tests.intake.activation_server import ActivationServer, body_of, event
from tests.intake.exports import Importer, portal_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def license() -> License:
    return make_license(make_line(make_order()), "XAAB-0001")


def at(hour: int) -> str:
    return f"2026-11-02T{hour:02}:00:00+00:00"


def moment(hour: int) -> datetime:
    return datetime(2026, 11, 2, hour, tzinfo=UTC)


def results(answer: dict[str, Any]) -> list[str]:
    return [each["result"] for each in answer["results"]]


def test_an_activation_makes_a_device_and_the_license_is_activated(server: ActivationServer, license: License) -> None:
    reported = event(name="Bea’s laptop", platform="Windows 11", at=at(8))
    answer = server.report(reported)
    assert answer == {
        "results": [{"id": reported["id"], "result": "taken"}],
        "released": [],
        "more_released": False,
    }
    device = Device.objects.get()
    assert (device.license, device.vendor_id, device.name, device.platform) == (
        license,
        "d-1",
        "Bea’s laptop",
        "Windows 11",
    )
    assert device.activated_at == device.last_seen_at == moment(8)
    license.refresh_from_db()
    assert license.activated_at == moment(8)


def test_a_serial_number_may_be_written_in_any_form(server: ActivationServer, license: License) -> None:
    assert results(server.report(event(serial=" xaab 0001"), event(serial="XAAB–0001"))) == ["taken", "taken"]
    assert Device.objects.count() == 1


def test_an_older_sight_never_moves_the_last_one_back(server: ActivationServer, license: License) -> None:
    server.report(event("seen", at=at(12)), event("seen", at=at(9)))
    assert Device.objects.get().last_seen_at == moment(12)


def test_a_license_is_activated_since_its_earliest_use(server: ActivationServer, license: License) -> None:
    for hour in (10, 8, 9):
        server.report(event(device=f"d-{hour}", at=at(hour)))
    license.refresh_from_db()
    assert license.activated_at == moment(8)


def test_a_deactivated_device_is_kept_and_can_come_back(server: ActivationServer, license: License) -> None:
    server.report(event(at=at(8)), event("deactivated", at=at(10)))
    assert not Device.objects.in_use().exists()
    server.report(event("deactivated", at=at(9)), event("seen", at=at(11)))
    assert Device.objects.get().deactivated_at == moment(10)
    server.report(event(at=at(12)))
    assert Device.objects.in_use().count() == 1
    server.report(event("deactivated", at=at(11)))
    assert Device.objects.in_use().count() == 1


EVENTS = st.lists(
    st.builds(
        Event,
        id=st.just(""),
        type=st.sampled_from(EventType),
        serial=st.just("XAAB-0001"),
        device=st.sampled_from(["d-1", "d-2"]),
        at=st.integers(0, 5).map(moment),
        digest=st.just(""),
        name=st.sampled_from(["", "laptop", "phone"]),
        platform=st.sampled_from(["", "Windows"]),
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reported=EVENTS, data=st.data())
def test_events_lead_to_the_same_state_in_any_order_and_batches(
    license: License, reported: list[Event], data: st.DataObject
) -> None:
    def ends_as(events: list[Event], size: int) -> Any:
        Device.objects.all().delete()
        ActivationEvent.objects.all().delete()
        License.objects.update(activated_at=None)
        numbered = iter(enumerate(events))
        while batch := list(itertools.islice(numbered, size)):
            process_events("key", [replaced(each, str(number)) for number, each in batch])
        columns = ["vendor_id", "name", "platform", "activated_at", "last_seen_at", "deactivated_at"]
        return list(Device.objects.order_by("vendor_id").values_list(*columns)), License.objects.get().activated_at

    shuffled = data.draw(st.permutations(reported))
    assert ends_as(reported, 100) == ends_as(shuffled, data.draw(st.integers(1, 3)))


def replaced(reported: Event, event_id: str) -> Event:
    return Event(
        event_id, reported.type, reported.serial, reported.device, reported.at, "same", reported.name, reported.platform
    )


def test_the_same_batch_again_changes_nothing_and_is_answered_the_same(
    server: ActivationServer, license: License
) -> None:
    batch = [event(at=at(8)), event("seen", at=at(9)), event(serial="NOBODYS-1")]
    first = server.report(*batch)
    Device.objects.update(name="renamed meanwhile")
    assert server.report(*batch) == first
    assert results(first) == ["taken", "taken", "unknown_serial"]
    assert Device.objects.get().name == "renamed meanwhile"
    assert ActivationEvent.objects.count() == 2


def test_an_event_of_an_unknown_serial_number_is_taken_once_its_order_is_there(
    server: ActivationServer, importer: Importer
) -> None:
    reported = event(serial="XAAB-1234-5678")
    assert results(server.report(reported)) == ["unknown_serial"]
    importer.orders(portal_order())
    assert results(server.report(reported)) == ["taken"]


def test_an_import_never_forgets_that_a_license_is_in_use(server: ActivationServer, importer: Importer) -> None:
    importer.orders(portal_order())
    server.report(event(serial="XAAB-1234-5678", at=at(8)))
    for stated in (None, "2026-11-20T10:00:00Z"):
        lines = portal_order()["lines"]
        lines[0]["licenses"][0]["activated_at"] = stated
        importer.orders(portal_order(lines=lines))
        assert License.objects.get().activated_at == moment(8)
    lines[0]["licenses"][0]["activated_at"] = "2026-11-01T10:00:00Z"
    importer.orders(portal_order(lines=lines))
    assert License.objects.get().activated_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_the_same_event_id_with_other_content_is_refused_and_nothing_is_taken(
    server: ActivationServer, license: License
) -> None:
    server.report(event(id="e-1", at=at(8)))
    answer = server.send(body_of(event(id="e-2", device="d-2"), event(id="e-1", at=at(9))))
    assert answer.status_code == 409
    assert answer.json()["error"] == "reused_id"
    assert answer.json()["ids"] == ["e-1"]
    assert Device.objects.count() == 1


def test_an_id_twice_in_one_batch_counts_once_and_must_say_the_same(server: ActivationServer, license: License) -> None:
    reported = event()
    assert results(server.report(reported, reported)) == ["taken", "taken"]
    other = event()
    assert server.send(body_of(other, other | {"device": "d-2"})).status_code == 409


def test_two_servers_may_use_the_same_event_ids(server: ActivationServer, license: License, settings: Any) -> None:
    other = ActivationServer("mac", "fedcba9876543210fedcba9876543210")
    settings.ACTIVATION_KEYS |= {other.key_id: other.secret}
    server.report(event(id="1", device="d-1"))
    other.report(event(id="1", device="d-2"))
    assert Device.objects.count() == 2


def test_the_answer_names_devices_that_their_owner_released_until_they_are_freed(
    server: ActivationServer, license: License
) -> None:
    now = timezone.now()
    server.report(event(device="old", at=(now - timedelta(days=3)).isoformat()), event(device="other"))
    device = Device.objects.get(vendor_id="old")
    release = DeviceRelease.objects.create(device=device, requested_at=now - timedelta(minutes=9))
    assert server.report()["released"] == []  # it can still be undone
    release.requested_at = now - timedelta(minutes=11)
    release.save()
    freed = {"serial": "XAAB-0001", "device": "old", "released_at": release.requested_at.isoformat()}
    assert server.report()["released"] == [freed]
    assert server.report(event("seen", device="old", at=now.isoformat()))["released"] == [freed]
    assert server.report(event("deactivated", device="old", at=now.isoformat()))["released"] == []
    assert server.report(event(device="old", at=(now + timedelta(seconds=1)).isoformat()))["released"] == []


def test_a_late_event_can_show_that_a_device_is_still_to_be_freed(server: ActivationServer, license: License) -> None:
    server.report(event(at=at(1)))
    DeviceRelease.objects.create(device=Device.objects.get(), requested_at=moment(5))
    assert server.report(event("deactivated", at=at(3)))["released"] == []
    assert [each["device"] for each in server.report(event(at=at(4)))["released"]] == ["d-1"]


def test_an_undone_release_is_not_reported(server: ActivationServer, license: License) -> None:
    server.report(event())
    hour_ago = timezone.now() - timedelta(hours=1)
    DeviceRelease.objects.create(device=Device.objects.get(), requested_at=hour_ago, undone_at=hour_ago)
    assert server.report()["released"] == []


def test_the_number_of_queries_does_not_depend_on_the_batch_size(server: ActivationServer, license: License) -> None:
    def count(size: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            server.report(*(event(device=f"{size}-{number}") for number in range(size)))
        return len(asked)

    count(1)  # the first activates the license
    assert count(2) == count(500) <= 14


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_at_the_same_moment_is_taken_once(server: ActivationServer, license: License) -> None:
    body = body_of(*(event(device=f"d-{number}") for number in range(20)))
    statuses: list[int] = []

    def send() -> None:
        try:
            statuses.append(server.send(body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 6
    assert (Device.objects.count(), ActivationEvent.objects.count()) == (20, 20)
