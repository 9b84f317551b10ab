"""The command adds an installer with its checksum and replaces the previous one. Invalid files are not stored."""

import io
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command

from licenses.models import Product, Release
from licenses.services import releases
from portal import doctor_checks
from tests.factories import make_product, make_release, make_store
from tests.licenses.installers import CONTENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    return make_product(slug="maximum", name="Maximum Security")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Setup.exe"
    path.write_bytes(CONTENT)
    return path


def add(file: Path, **options: object) -> str:
    said = io.StringIO()
    defaults: dict[str, object] = {"product": "maximum", "version": "17.8", "platform": "windows"}
    call_command("add_release", str(file), stdout=said, stderr=said, **defaults | options)
    return said.getvalue()


def refusal(file: Path, **options: object) -> CommandError:
    with pytest.raises(CommandError) as refused:
        add(file, **options)
    return refused.value


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_is_stored_under_a_random_name_with_its_sum(product: Product, file: Path, releases_folder: Path) -> None:
    said = add(file, name="Maximum Setup.exe")
    release = Release.objects.get()
    assert "Added Maximum Security 17.8 (Windows) as Maximum Setup.exe." in said
    assert (release.file_name, release.size) == ("Maximum Setup.exe", len(CONTENT))
    assert release.sha256 == sha256(CONTENT).hexdigest()
    assert release.sha256 in said
    assert (releases_folder / release.stored_name).read_bytes() == CONTENT
    assert "Setup" not in release.stored_name
    assert "windows" not in release.stored_name


def test_the_same_again_changes_nothing(product: Product, file: Path, releases_folder: Path) -> None:
    add(file)
    assert "Unchanged" in add(file, sha256=sha256(CONTENT).hexdigest().upper(), platform="WINDOWS")
    assert Release.objects.count() == 1
    assert len(kept(releases_folder)) == 1


def test_another_file_for_an_existing_version_is_refused(product: Product, file: Path, releases_folder: Path) -> None:
    add(file)
    file.write_bytes(b"MZ other")
    refused = refusal(file)
    assert refused.returncode == 1
    assert "already exists with another file (SHA-256" in str(refused)
    assert len(kept(releases_folder)) == 1


def test_a_newer_one_replaces_the_one_of_its_platform_only(product: Product, file: Path) -> None:
    add(file)
    add(file, platform="other")
    file.write_bytes(b"MZ newer")
    assert "It replaces Maximum Security 17.8 (Windows)." in add(file, version="17.9")
    assert {(each.version, each.platform) for each in Release.objects.current()} == {
        ("17.9", "windows"),
        ("17.8", "other"),
    }
    assert Release.objects.get(version="17.8", platform="windows").replaced_at is not None


def test_a_wrong_sum_is_refused_and_nothing_kept(product: Product, file: Path, releases_folder: Path) -> None:
    refused = refusal(file, sha256="0" * 64)
    assert refused.returncode == 1
    assert sha256(CONTENT).hexdigest() in str(refused)
    assert not Release.objects.exists()
    assert kept(releases_folder) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sha256": "abc"}, "64 characters"),
        ({"version": ""}, "Enter a version of 1 to 64 characters"),
        ({"version": "17 8"}, "Enter a version"),
        ({"version": "../x"}, "Enter a version"),
        ({"version": "1" * 65}, "Enter a version"),
        ({"version": "1\x00"}, "Enter a version"),
        ({"name": "///"}, "Enter a file name for browsers to save it under."),
        ({"product": "nothing"}, "No product or SKU is named “nothing”. Products: maximum."),
        ({"product": "a\x00"}, "No product or SKU"),
    ],
)
def test_what_cannot_be_is_refused(
    product: Product, file: Path, releases_folder: Path, options: dict[str, str], said: str
) -> None:
    refused = refusal(file, **options)
    assert refused.returncode == 1
    assert said in str(refused)
    assert kept(releases_folder) == []


def test_an_unknown_platform_is_refused_with_the_choices(product: Product, file: Path) -> None:
    with pytest.raises(CommandError, match="windows"):
        call_command("add_release", str(file), "--product=maximum", "--version=1", "--platform=amiga")


def test_an_empty_file_is_refused(product: Product, file: Path) -> None:
    file.write_bytes(b"")
    assert "empty" in str(refusal(file))


def test_a_missing_file_and_a_folder_are_reported(product: Product, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.exe", tmp_path):
        refused = refusal(path)
        assert refused.returncode == 2
        assert "can’t be read" in str(refused)


def test_a_dry_run_keeps_nothing(product: Product, file: Path, releases_folder: Path) -> None:
    make_release(product, b"older", version="16", stored_name="aa/older")
    before = kept(releases_folder)
    said = add(file, dry_run=True)
    assert "Would add Maximum Security 17.8 (Windows)" in said
    assert "Would publish it." in said
    assert "Would replace Maximum Security 16 (Windows)." in said
    assert Release.objects.get().replaced_at is None
    assert kept(releases_folder) == before
    assert refusal(file, dry_run=True, sha256="0" * 64).returncode == 1


def test_a_sku_leads_to_its_product(product: Product, file: Path) -> None:
    make_store().skus.create(code="MAX-3D", product=product)
    make_store().skus.create(code="MAX-3D", product=product)
    add(file, product="MAX-3D")
    assert Release.objects.get().product == product


def test_a_sku_of_several_products_is_refused_with_the_choices(product: Product, file: Path) -> None:
    make_store().skus.create(code="BOX", product=product)
    make_store().skus.create(code="BOX", product=make_product(slug="antivirus"))
    assert "antivirus, maximum" in str(refusal(file, product="BOX"))


def test_a_sku_under_no_product_is_refused(product: Product, file: Path) -> None:
    make_store().skus.create(code="BAG", product=None)
    assert "has no product." in str(refusal(file, product="BAG"))


def test_a_full_disk_is_reported_and_leaves_nothing(
    product: Product, file: Path, releases_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_half(storage: FileSystemStorage, name: str, content: object) -> str:
        path = Path(storage.path(name))
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", save_half)
    refused = refusal(file)
    assert refused.returncode == 2
    assert "No space left on device" in str(refused)
    assert not Release.objects.exists()
    assert kept(releases_folder) == []


def test_a_file_that_changes_while_it_is_stored_is_refused(
    product: Product, file: Path, releases_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = FileSystemStorage._save

    def save_after_a_change(storage: FileSystemStorage, name: str, content: object) -> str:
        file.write_bytes(CONTENT[:-1] + b"!")
        return save(storage, name, content)

    monkeypatch.setattr(FileSystemStorage, "_save", save_after_a_change)
    assert "The stored file doesn’t match the original." in str(refusal(file))
    assert kept(releases_folder) == []


def test_a_database_that_refuses_leaves_no_file(
    product: Product, file: Path, releases_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_values: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(Release, "save", broken)
    with pytest.raises(RuntimeError):
        add(file)
    assert kept(releases_folder) == []


def test_withdrawing_and_offering_again(product: Product, file: Path) -> None:
    add(file)
    release = Release.objects.get()
    assert releases.withdraw(release)
    assert not releases.withdraw(release)
    assert not Release.objects.current().exists()
    assert "was withdrawn" in str(refusal(file))
    newer = make_release(product, version="18")
    assert releases.offer_again(release)
    assert not releases.offer_again(release)
    newer.refresh_from_db()
    assert newer.replaced_at is not None
    assert list(Release.objects.current()) == [release]


def test_the_doctor_misses_an_installer_that_was_lost(product: Product, file: Path, releases_folder: Path) -> None:
    add(file)
    assert str(releases_folder) in doctor_checks.check_releases()
    stored = releases_folder / Release.objects.get().stored_name
    stored.write_bytes(CONTENT[:-1])
    with pytest.raises(doctor_checks.CheckFailed, match=r"Maximum Security 17.8 \(Windows\) is missing"):
        doctor_checks.check_releases()
    releases.withdraw(Release.objects.get())
    assert doctor_checks.check_releases()
