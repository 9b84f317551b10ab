"""A draft is offered to nobody until staff publish it and confirm what is unusual about it."""

import io
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from licenses.download_links import public_download_path
from licenses.models import Release
from licenses.services import releases
from notifications import follow_ups
from notifications.models import FollowUp
from tests.desk.staff import staff_with, staff_with_role
from tests.factories import make_agent, make_line, make_release
from tests.licenses.installers import CONTENT, bought
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


def make_draft(current: Release, content: bytes = b"MZ newer", **fields: object) -> Release:
    """A draft of the same product."""
    return make_release(current.product, content, **{"version": "18", "released_at": None} | fields)


def publish_url(release: Release) -> str:
    return f"/admin/licenses/release/{release.pk}/publish/"


def publish(browser: Client, release: Release, *confirmed: str) -> HttpResponse:
    return browser.post(publish_url(release), {"confirmed": confirmed}, follow=True)


def test_a_draft_cannot_be_downloaded_in_any_way() -> None:
    order, current = bought()
    draft = make_draft(current)
    current.product.public_download = True
    current.product.save()
    buyer = inside(order)
    assert "18" not in marks(buyer.get(f"/orders/{order.public_id}/"), "data-version")
    page = buyer.get(f"/orders/{order.public_id}/").content.decode()
    assert f"/download/{draft.pk}/" not in page
    assert f"/download/{current.pk}/" in page
    assert buyer.get(f"/orders/{order.public_id}/download/{draft.pk}/").status_code == 404
    public = Client()
    assert f"/downloads/{draft.pk}/" not in public.get("/downloads/").content.decode()
    assert public.get(f"/downloads/{draft.pk}/").status_code == 404
    assert public.get(public_download_path(draft)).status_code == 404


def test_a_draft_is_not_announced_by_a_follow_up() -> None:
    order, current = bought()
    current.delete()
    make_line(order, kind="extended_download")
    make_release(current.product, b"MZ", version="18", released_at=None)
    follow_ups.run(timezone.now())
    assert not FollowUp.objects.filter(kind__startswith="licenses.downloads").exists()


def test_an_editor_sees_what_buyers_get_and_publishes(editor: Client) -> None:
    order, current = bought()
    draft = make_draft(current)
    assert publish_url(draft) in editor.get(f"/admin/licenses/release/{draft.pk}/change/").content.decode()
    page = text(editor.get(publish_url(draft)))
    for fact in ("What buyers will get", "Windows", "18", draft.file_name, draft.sha256, f"It replaces {current}."):
        assert fact in page, fact
    assert Release.objects.current().get() == current  # looking publishes nothing
    assert "Buyers can download it now." in text(publish(editor, draft))
    draft.refresh_from_db()
    current.refresh_from_db()
    assert Release.objects.current().get() == draft
    assert draft.released_at == current.replaced_at or draft.released_at > current.released_at
    assert draft.published_by is not None
    assert LogEntry.objects.filter(object_id=str(draft.pk), user=draft.published_by).count() == 1
    assert f"/download/{draft.pk}/" in inside(order).get(f"/orders/{order.public_id}/").content.decode()


def test_publishing_twice_changes_nothing(editor: Client) -> None:
    _order, current = bought()
    draft = make_draft(current)
    publish(editor, draft)
    draft.refresh_from_db()
    first = (draft.released_at, draft.published_by)
    assert "is already published." in text(publish(staff_with_role("editor"), draft))
    draft.refresh_from_db()
    assert (draft.released_at, draft.published_by) == first
    assert publish_url(draft) not in editor.get(f"/admin/licenses/release/{draft.pk}/change/").content.decode()
    with pytest.raises(releases.ReleaseRejected, match="is already published"):
        releases.publish(draft, make_agent())


@pytest.mark.parametrize(
    ("version", "content", "reason", "said"),
    [
        ("16", b"MZ older", "older", "Version 16 is older than the published"),
        ("17.0.0", b"MZ newer", "same-version", "Version 17.0.0 means the same as the published"),
        ("18", CONTENT, "same-file", "The file is the same as that of the published"),
    ],
)
def test_an_unusual_release_needs_a_confirmation(
    editor: Client, version: str, content: bytes, reason: str, said: str
) -> None:
    _order, current = bought()
    Release.objects.update(version="17")
    draft = make_draft(current, content, version=version)
    assert said in text(editor.get(publish_url(draft)))
    for confirmed in ((), ("older-0",), (f"same-fil-{current.pk}",)):
        refused = publish(editor, draft, *confirmed)
        assert refused.status_code == 422
        assert "Nothing was published. Confirm each warning first." in text(refused)
    draft.refresh_from_db()
    assert draft.is_draft
    publish(editor, draft, f"{reason}-{current.pk}")
    assert Release.objects.current().get() == draft


def test_a_withdrawn_release_is_not_compared(editor: Client) -> None:
    _order, current = bought()
    Release.objects.update(version="99", withdrawn_at=timezone.now())
    publish(editor, make_draft(current, version="18"))
    assert Release.objects.current().get().version == "18"


def test_a_file_that_was_lost_or_changed_is_not_published(editor: Client, releases_folder: Path) -> None:
    _order, current = bought()
    draft = make_draft(current)
    stored = releases_folder / draft.stored_name
    stored.write_bytes(b"MZ newer"[::-1])  # of the same size
    assert "has changed since its upload" in text(publish(editor, draft))
    stored.write_bytes(b"MZ")
    assert "has changed since its upload" in text(editor.get(publish_url(draft)))
    stored.unlink()
    assert "can’t be read from release storage" in text(editor.get(publish_url(draft)))
    assert "can’t be read from release storage" in text(publish(editor, draft))
    assert Release.objects.current().get() == current


@pytest.mark.parametrize("role", ["agent", "supervisor", "finance", "auditor"])
def test_other_roles_cannot_publish_or_delete_a_draft(role: str) -> None:
    _order, current = bought()
    draft = make_draft(current)
    browser = staff_with_role(role)
    assert browser.get(publish_url(draft)).status_code == 403
    assert publish(browser, draft).status_code == 403
    assert browser.post(f"/admin/licenses/release/{draft.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Release.objects.drafts().get() == draft


def test_strangers_and_staff_who_only_see_releases_cannot_publish(client: Client) -> None:
    _order, current = bought()
    draft = make_draft(current)
    assert client.post(publish_url(draft)).status_code == 302
    viewer = staff_with("licenses.view_release")
    assert publish(viewer, draft).status_code == 403
    assert publish_url(draft) not in viewer.get(f"/admin/licenses/release/{draft.pk}/change/").content.decode()
    assert Release.objects.drafts().exists()


def test_publishing_from_another_site_is_refused() -> None:
    _order, current = bought()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_agent())
    assert browser.post(publish_url(make_draft(current))).status_code == 403


@pytest.mark.parametrize("key", ["0", "99999999999999999999", "x", "1%00"])
def test_an_unknown_release_is_not_found(editor: Client, key: str) -> None:
    assert editor.get(f"/admin/licenses/release/{key}/publish/").status_code == 404


def test_a_draft_is_deleted_with_its_file(
    editor: Client, releases_folder: Path, django_capture_on_commit_callbacks: object
) -> None:
    _order, current = bought()
    draft = make_draft(current)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        editor.post(f"/admin/licenses/release/{draft.pk}/delete/", {"post": "yes"})
    assert not Release.objects.drafts().exists()
    assert not (releases_folder / draft.stored_name).exists()
    assert (releases_folder / current.stored_name).exists()


def test_a_draft_is_neither_withdrawn_nor_offered_without_confirmation(editor: Client) -> None:
    _order, current = bought()
    draft = make_draft(current)
    for name in ("withdraw", "offer_again"):
        editor.post("/admin/licenses/release/", {"_selected_action": [draft.pk], "action": name})
    draft.refresh_from_db()
    assert draft.is_draft
    assert Release.objects.current().get() == current
    for fields in ({"withdrawn_at": timezone.now()}, {"replaced_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.filter(pk=draft.pk).update(**fields)


def test_the_list_shows_drafts_first_and_filters_by_state(editor: Client) -> None:
    _order, current = bought()
    draft = make_draft(current, version="18-draft")
    listed = text(editor.get("/admin/licenses/release/"))
    assert listed.index("18-draft") < listed.index(current.version)
    for state, shown in {"draft": draft, "current": current}.items():
        found = text(editor.get(f"/admin/licenses/release/?state={state}"))
        assert [each.version for each in (draft, current) if each.version in found] == [shown.version]
    assert "1 release" in text(editor.get("/admin/licenses/release/?state=draft"))
    assert editor.get("/admin/licenses/release/?state=nothing").status_code == 200


def test_the_queries_of_the_list_do_not_grow_with_its_rows(editor: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            editor.get("/admin/licenses/release/")
        return len(captured)

    _order, current = bought()
    make_draft(current)
    queries()
    before = queries()
    for number in range(5):
        make_draft(current, version=f"19.{number}")
    assert queries() == before


# --- The command -----------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Setup.exe"
    path.write_bytes(b"MZ newer")
    return path


def add(file: Path, current: Release, **options: object) -> str:
    said = io.StringIO()
    fields = {"product": current.product.slug, "version": "18", "platform": "windows"}
    call_command("add_release", str(file), stdout=said, **fields | options)
    return said.getvalue()


def test_the_command_saves_a_draft_and_publishes_it_when_run_again(file: Path) -> None:
    _order, current = bought()
    assert "It can’t be downloaded until it is published." in add(file, current, draft=True)
    assert Release.objects.current().get() == current
    assert "Published." in add(file, current)
    published = Release.objects.current().get()
    assert (published.version, published.published_by) == ("18", None)
    assert "Unchanged" in add(file, current, draft=True)  # a published release never becomes a draft again
    assert Release.objects.current().get() == published


def test_the_command_publishes_an_older_version_only_with_its_option(file: Path) -> None:
    _order, current = bought()
    with pytest.raises(CommandError, match=r"Version 16 is older .* add --allow-older") as refused:
        add(file, current, version="16", dry_run=True)
    assert not Release.objects.drafts().exists()
    with pytest.raises(CommandError, match=r"Version 16 is older .* It was saved as a draft\.") as refused:
        add(file, current, version="16")
    assert refused.value.returncode == 1
    assert Release.objects.drafts().get().version == "16"
    add(file, current, version="16", allow_older=True)
    assert Release.objects.current().get().version == "16"
