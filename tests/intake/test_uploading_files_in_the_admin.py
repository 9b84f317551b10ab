"""The pages on which staff upload, map, preview and import files: permissions, content and errors."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from files.models import private_storage
from intake.admin import uploads
from intake.models import ImportRun, ImportUpload, StatusMeaning, TableMapping
from intake.tasks import work_on_uploaded_files
from orders.models import Order, Store
from tests.intake.exports import json_lines, portal_order, shopify_row, table
from tests.intake.mapped_tables import GERMAN_COLUMNS, german_row, make_mapping
from tests.pages import marks, text

pytestmark = pytest.mark.django_db

LIST = "/admin/intake/importupload/"
CARD = "4111 1111 1111 1111"


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> Store:
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "private"}}
    settings.STORAGES = settings.STORAGES | {"private": folder}
    return Store.objects.create(slug="old-shop", name="Old shop", time_zone="Europe/Berlin")


def staff(*codenames: str, **options: Any) -> Client:
    user, _created = User.objects.get_or_create(username="-".join(codenames) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def supervisor() -> Client:
    return staff("add_importupload", "view_importrun")


def send(client: Client, content: str | bytes, name: str = "sales.csv", **data: Any) -> Any:
    file = BytesIO(content if isinstance(content, bytes) else content.encode())
    file.name = name
    return client.post(f"{LIST}add/", {"file": file, "store": Store.objects.get(slug="old-shop").pk} | data)


def german_table(*rows: dict[str, str]) -> str:
    return table(*rows, delimiter=";")


def uploaded() -> ImportUpload:
    return ImportUpload.objects.latest("pk")


def url(name: str) -> str:
    return f"{LIST}{uploaded().pk}/{name}/"


def chosen(answer: Any) -> dict[str, str]:
    """Return the values that the form of a page would send."""
    form = answer.context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def check(client: Client, content: str, **changes: str) -> Any:
    """Upload a table, confirm its mapping, and return the preview."""
    send(client, content)
    answer = client.post(url("map"), chosen(client.get(url("map"))) | changes)
    assert answer.status_code == 302, answer.context["form"].errors
    work_on_uploaded_files()
    return client.get(url("preview"))


# --- Access ---


PAGES = [("GET", name) for name in ("change", "map", "read", "preview", "orders/0")]
ACTIONS = [("POST", name) for name in ("map", "read", "import", "discard")]


@pytest.mark.parametrize(("method", "name"), PAGES + ACTIONS)
@pytest.mark.parametrize("permissions", [(), ("view_importrun", "undo_importrun", "view_order"), None])
def test_others_may_not_see_or_do_anything(
    supervisor: Client, method: str, name: str, permissions: tuple[str, ...] | None
) -> None:
    send(supervisor, german_table(german_row()))
    before = ImportUpload.objects.values().get()
    client = Client() if permissions is None else staff(*permissions)
    answer = client.generic(method, url(name))
    assert answer.status_code == (302 if permissions is None else 403)
    if permissions is None:
        assert answer["Location"].startswith("/admin/login/")
    assert ImportUpload.objects.values().get() == before


def test_others_may_not_upload_or_list() -> None:
    for client in (staff("view_importrun"), Client()):
        assert send(client, german_table(german_row())).status_code in (302, 403)
        assert client.get(LIST).status_code in (302, 403)
    assert not ImportUpload.objects.exists()
    assert not private_storage().exists("imports")


def test_an_upload_needs_the_csrf_token() -> None:
    client = staff("add_importupload", enforce_csrf_checks=True)
    assert send(client, german_table(german_row())).status_code == 403
    assert not ImportUpload.objects.exists()


@pytest.mark.parametrize("name", ["import", "discard"])
def test_links_change_nothing(supervisor: Client, name: str) -> None:
    send(supervisor, german_table(german_row()))
    assert supervisor.get(url(name)).status_code == 405


def test_unknown_uploads_are_not_found(supervisor: Client) -> None:
    for method, name in PAGES + ACTIONS:
        assert supervisor.generic(method, f"{LIST}999999/{name}/").status_code == 404
    assert supervisor.get(f"{LIST}abc/change/").status_code == 404


def test_staff_cannot_change_or_delete_rows_behind_the_pages(supervisor: Client) -> None:
    send(supervisor, german_table(german_row()))
    assert supervisor.post(f"{LIST}{uploaded().pk}/delete/", {"post": "yes"}).status_code == 403
    make_mapping(GERMAN_COLUMNS)
    viewer = staff("view_tablemapping")
    mapping = TableMapping.objects.get()
    assert viewer.get(f"/admin/intake/tablemapping/{mapping.pk}/change/").status_code == 200
    assert viewer.post(f"/admin/intake/tablemapping/{mapping.pk}/delete/", {"post": "yes"}).status_code == 403
    assert supervisor.get("/admin/intake/tablemapping/").status_code == 403


# --- Upload ---


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7", "It’s a PDF"),
        (b"", "This file is empty."),
        (b"PK\x05\x06" + bytes(18), "an archive with no files"),
        (b"just some words\n", "See docs/store-formats.md."),
        (b'{"foo": 1}', "See docs/store-formats.md."),
    ],
)
def test_an_unusable_file_is_refused_and_not_kept(supervisor: Client, content: bytes, sentence: str) -> None:
    answer = send(supervisor, content)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not ImportUpload.objects.exists()
    assert not private_storage().exists("imports") or private_storage().listdir("imports")[1] == []


def test_a_file_that_is_too_large_is_refused(supervisor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 10)
    answer = send(supervisor, german_table(german_row()))
    assert (answer.status_code, "larger than" in text(answer)) == (422, True)
    assert not ImportUpload.objects.exists()


def test_a_file_larger_than_other_forms_take_is_accepted(supervisor: Client) -> None:
    rows = [german_row(Bestellnummer=f"R-{number}") for number in range(30_000)]
    answer = send(supervisor, german_table(*rows))
    assert answer.status_code == 302
    assert uploaded().size > 3 * 1024 * 1024


def test_a_file_of_a_known_format_is_recognized_and_imported(supervisor: Client) -> None:
    assert send(supervisor, table(shopify_row()))["Location"].endswith("/read/")
    assert marks(supervisor.get(url("read")), "data-recognized") == ["shopify"]
    supervisor.post(url("read"), {})
    work_on_uploaded_files()
    assert marks(supervisor.get(url("preview")), "data-order") == ["#1001"]
    supervisor.post(url("import"))
    work_on_uploaded_files()
    assert supervisor.get(url("preview"))["Location"].endswith(f"/importrun/{ImportRun.objects.get().pk}/change/")
    assert Order.objects.get().store.slug == "old-shop"


def test_a_file_that_names_its_stores_keeps_them(supervisor: Client) -> None:
    send(supervisor, json_lines(portal_order()), "orders.jsonl")
    supervisor.post(url("read"), {})
    work_on_uploaded_files()
    page = supervisor.get(url("preview"))
    assert marks(page, "data-order") == ["A-1001"]
    supervisor.post(url("import"))
    work_on_uploaded_files()
    assert Order.objects.get().store.slug == "acme-eu"


def test_an_unclear_encoding_is_asked(supervisor: Client) -> None:
    content = german_table(german_row(Ort="Áčsko", Artikel="Žluť")).encode("cp1250")
    answer = send(supervisor, content + "X;\xe8\xe6\xf0;".encode("latin-1"))
    page = supervisor.get(answer["Location"])
    if "spelled right" in text(page):
        supervisor.post(url("read"), {"encoding": "windows-1250"})
    assert supervisor.get(url("map")).status_code == 200


# --- Columns ---


def test_guesses_are_shown_with_reasons_and_first_values(supervisor: Client) -> None:
    answer = send(supervisor, german_table(german_row(), german_row(Bestellnummer="R-1002")))
    assert answer["Location"].endswith("/map/")
    page = supervisor.get(url("map"))
    assert marks(page, "data-column") == list(german_row())
    for expected in ("R-1001", "R-1002", "Named like “Order number”.", "All 2 values are amounts.", "1.079,90"):
        assert expected in text(page)


def test_what_is_in_the_file_is_never_markup(supervisor: Client) -> None:
    evil = "<script>alert(1)</script>"
    row = german_row(Artikel=evil, Status=evil) | {f"{evil}": evil}
    send(supervisor, german_table(row), f"{evil}.csv")
    assert evil not in supervisor.get(url("map")).content.decode()
    answer = check(supervisor, german_table(row))
    assert evil not in answer.content.decode()
    assert evil not in supervisor.get(LIST).content.decode()
    StatusMeaning.objects.create(store=Store.objects.get(), format="table", word=evil.lower(), meaning="completed")
    page = check(supervisor, german_table(row))
    assert marks(page, "data-order") == ["R-1001"]
    assert evil not in page.content.decode()
    assert evil not in supervisor.get(url("orders/0")).content.decode()


def test_card_numbers_are_masked_on_all_pages(supervisor: Client) -> None:
    row = german_row(Ort=CARD, Status=CARD) | {"Notiz": CARD, CARD: "x"}
    send(supervisor, german_table(row))
    assert CARD not in supervisor.get(url("map")).content.decode()
    assert CARD not in check(supervisor, german_table(row)).content.decode()
    assert "1111 1111" not in str(list(ImportUpload.objects.values()))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"column_0": ""}, "Choose the column with “Order number”."),
        ({"column_1": ""}, "Choose the column with “Order date”."),
        ({"column_4": ""}, "say the currency of all orders"),
        ({"column_4": "", "constant_currency": "ABC"}, "“ABC” isn’t a currency"),
        ({"column_5": ""}, "what the buyer paid"),
        ({"column_6": "", "column_7": ""}, "name or SKU of the item"),
        ({"column_11": "number"}, "is chosen for more than one column"),
        ({"time_zone": "Berlin"}, "This isn’t a time zone."),
        ({"name": "sales of 2026"}, "valid “slug”"),
        ({"column_11": "nonsense"}, "Select a valid choice"),
    ],
)
def test_a_mapping_without_what_an_order_needs_is_refused(
    supervisor: Client, change: dict[str, str], sentence: str
) -> None:
    send(supervisor, german_table(german_row()))
    answer = supervisor.post(url("map"), chosen(supervisor.get(url("map"))) | change)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not TableMapping.objects.exists()


def test_words_of_another_status_column_are_asked_before_anything_is_saved(supervisor: Client) -> None:
    send(supervisor, german_table(german_row() | {"Zustand2": "kurios"}))
    data = chosen(supervisor.get(url("map"))) | {"column_3": "", "column_12": "status"}
    answer = supervisor.post(url("map"), data)
    assert answer.status_code == 422
    assert marks(answer, "data-word") == ["kurios"]
    assert not TableMapping.objects.exists()
    [word_field] = [name for name in answer.context["form"].fields if name.startswith("status_")]
    assert supervisor.post(url("map"), data | {word_field: "refunded"}).status_code == 302
    assert StatusMeaning.objects.get(word="kurios").meaning == "refunded"


def test_only_a_changed_mapping_creates_a_new_version(supervisor: Client) -> None:
    check(supervisor, german_table(german_row()))
    data = chosen(supervisor.get(url("map")))
    supervisor.post(url("map"), data)
    assert TableMapping.objects.count() == 1
    work_on_uploaded_files()
    supervisor.post(url("map"), data | {"column_11": ""})
    assert list(TableMapping.objects.order_by("version").values_list("name", "version")) == [
        ("old-shop", 1),
        ("old-shop", 2),
    ]
    assert uploaded().mapping == TableMapping.objects.get(version=2)
    assert uploaded().state == "checking"


def test_the_next_file_is_recognized(supervisor: Client) -> None:
    check(supervisor, german_table(german_row()))
    answer = send(supervisor, german_table(german_row(Bestellnummer="R-2")))
    assert answer["Location"].endswith("/read/")
    page = supervisor.get(answer["Location"])
    assert "old-shop (version 1)" in text(page)
    assert marks(page, "data-recognized") == ["table"]


def uploaded_needs_encoding(client: Client) -> bool:
    return client.get(url("map")).status_code == 302


def test_another_encoding_can_be_chosen_with_the_columns(supervisor: Client) -> None:
    send(supervisor, german_table(german_row(Artikel="Łódź")).encode("cp1250"))
    if uploaded_needs_encoding(supervisor):
        supervisor.post(url("read"), {"encoding": "windows-1252"})
    data = chosen(supervisor.get(url("map")))
    supervisor.post(url("map"), data | {"encoding": "windows-1250"})
    work_on_uploaded_files()
    page = supervisor.get(url("preview"))
    assert "Łódź" in supervisor.get(url("orders/0")).content.decode()
    assert marks(page, "data-order") == ["R-1001"]


# --- Preview and import ---


def test_the_preview_shows_counts_sums_problems_and_orders(supervisor: Client) -> None:
    page = check(
        supervisor,
        german_table(
            german_row(),
            german_row(Bestellnummer="R-2", Status="storniert"),
            german_row(Bestellnummer="R-3", Einzelpreis="1,00"),
            german_row(Bestellnummer="R-4", Status="kurios"),
        ),
    )
    assert marks(page, "data-sum") == ["EUR canceled", "EUR completed"]
    assert marks(page, "data-reject") == ["unknown_status"]
    assert marks(page, "data-warning") == ["totals_differ"]
    assert marks(page, "data-order") == ["R-1001", "R-2", "R-3"]
    shown = text(page)
    for expected in ("No last 4 digits of cards", "kurios", "€2,159.80", "2 × Maximum Security", "Import 3 orders"):
        assert expected in shown
    assert not Order.objects.exists()
    framed = supervisor.get(url("orders/1"))
    assert marks(framed, "data-order-number") == ["R-2"]
    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in framed["Content-Security-Policy"]
    assert "unsafe" not in framed["Content-Security-Policy"]
    assert supervisor.get(url("orders/3")).status_code == 404
    assert not Order.objects.exists()


def test_the_preview_needs_the_same_queries_for_one_or_ten_orders(supervisor: Client) -> None:
    check(supervisor, german_table(german_row(Seriennummer="")))
    with CaptureQueriesContext(connection) as one:
        supervisor.get(url("preview"))
    rows = [german_row(Bestellnummer=f"R-{number}", Seriennummer="") for number in range(10)]
    send(supervisor, german_table(*rows))
    supervisor.post(url("read"), {})
    work_on_uploaded_files()
    with CaptureQueriesContext(connection) as ten:
        supervisor.get(url("preview"))
    assert len(ten) == len(one)


def test_a_second_click_imports_once(supervisor: Client) -> None:
    check(supervisor, german_table(german_row()))
    for _click in range(2):
        assert supervisor.post(url("import")).status_code == 302
    work_on_uploaded_files()
    supervisor.post(url("import"))
    work_on_uploaded_files()
    assert ImportRun.objects.count() == 1
    assert ImportRun.objects.get().started_by_name == "add_importupload-view_importrun"
    assert supervisor.get(url("map"))["Location"].endswith("/preview/")


def test_nothing_is_imported_without_a_finished_check(supervisor: Client) -> None:
    send(supervisor, german_table(german_row()))
    supervisor.post(url("import"))
    work_on_uploaded_files()
    assert not Order.objects.exists()


def test_a_waiting_page_loads_itself_again(supervisor: Client) -> None:
    send(supervisor, german_table(german_row()))
    supervisor.post(url("map"), chosen(supervisor.get(url("map"))))
    assert supervisor.get(url("preview")).headers["Refresh"] == "3"
    work_on_uploaded_files()
    assert "Refresh" not in supervisor.get(url("preview")).headers


def test_a_discarded_file_is_deleted(supervisor: Client) -> None:
    check(supervisor, german_table(german_row()))
    stored_name = uploaded().stored_name
    supervisor.post(url("discard"))
    assert not ImportUpload.objects.exists()
    assert not private_storage().exists(stored_name)


def test_a_file_that_is_being_imported_is_not_discarded(supervisor: Client) -> None:
    check(supervisor, german_table(german_row()))
    supervisor.post(url("import"))
    supervisor.post(url("discard"))
    assert uploaded().state == "importing"


def test_a_missing_file_is_reported(supervisor: Client) -> None:
    send(supervisor, german_table(german_row()))
    supervisor.post(url("map"), chosen(supervisor.get(url("map"))))
    private_storage().delete(uploaded().stored_name)
    work_on_uploaded_files()
    assert "The file was deleted" in text(supervisor.get(url("preview")))
    assert supervisor.get(url("map")).status_code == 302
