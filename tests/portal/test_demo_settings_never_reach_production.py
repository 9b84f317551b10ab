"""A demo's settings never reach production, and remains of a demo are reported."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal import checks, doctor_checks
from portal.demo import leftovers, orders, vendor
from portal.demo.content_loading import create_vendor, ensure_agent, ensure_staff
from portal.sample_content import country_data, help_articles
from tests.portal.running_demo import manage
from tests.portal.test_a_missing_setting_stops_the_start import COMPLETE, REQUIRED

DEMO_FILE = {
    "SECRET_KEY": "of-the-demo-" + "x" * 50,
    "ORDER_PASSWORD_KEY": "of-the-demo-" + "y" * 50,
    "DEMO_ADMIN_PASSWORD": "a long password",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "VENDOR_NAME": vendor.NAME,
    "DEMO": "true",
    "SITE_URL": "http://127.0.0.1:8000",
    "DATABASE_URL": "postgres://portal@127.0.0.1:1/demo",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """The folder of a checkout in which `make demo` was run once."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "demo.env").write_text("".join(f"{name}='{value}'\n" for name, value in DEMO_FILE.items()))
    return tmp_path


def read_settings(folder: Path, **environment: str) -> dict[str, str]:
    completed = manage("diffsettings", "--all", **environment | {"VAR": folder})
    assert completed.returncode == 0, completed.stderr
    lines = (line.removesuffix("  ###").partition(" = ") for line in completed.stdout.splitlines())
    return {name: value for name, _equals, value in lines}


def test_production_does_not_read_the_file_of_a_demo(tried: Path) -> None:
    values = read_settings(tried, **COMPLETE)
    assert values["DEMO"] == "False"
    assert values["DEMO_ADMIN_PASSWORD"] == "''"
    assert values["ALLOWED_HOSTS"] == "['orders.example.com']"
    assert values["VENDOR_NAME"] == "'Find My Order'"


@pytest.mark.parametrize("name", REQUIRED)
def test_one_value_of_production_is_enough_to_ignore_the_file(tried: Path, name: str) -> None:
    completed = manage("check", VAR=tried, **{name: COMPLETE[name]})
    assert completed.returncode == 1
    assert "isn't set" in completed.stderr
    assert f"{tried}/demo.env isn't read because {name} is set." in completed.stderr


def test_a_command_in_a_second_terminal_reads_the_file(tried: Path) -> None:
    values = read_settings(tried)
    assert values["DEMO"] == "True"
    assert values["VENDOR_NAME"] == f"'{vendor.NAME}'"


def test_an_empty_production_value_counts_as_not_set(tried: Path) -> None:
    assert read_settings(tried, SECRET_KEY="")["DEMO"] == "True"


def test_other_variables_stand_above_the_file(tried: Path) -> None:
    assert read_settings(tried, VENDOR_NAME="Acme")["VENDOR_NAME"] == "'Acme'"


def test_check_and_doctor_report_the_demos_files_and_keys(tried: Path) -> None:
    production = COMPLETE | {"SECRET_KEY": DEMO_FILE["SECRET_KEY"], "VAR": str(tried)}
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **production)
    assert checked.returncode == 1
    doctor = manage("doctor", "demo", **production)
    assert doctor.returncode == 1
    for output in (checked.stderr, doctor.stdout):
        assert "SECRET_KEY has the demo’s value" in output
        assert "contains files of the demo: demo.env, mail" in output
        assert "rm -r demo.env mail" in output


def test_check_reports_that_demo_is_on() -> None:
    completed = manage("check", "--deploy", **COMPLETE | {"DEMO": "true"})
    assert "portal.W001" in completed.stderr
    assert "DEMO is on" in completed.stderr


@pytest.fixture
def production(settings: Settings, tmp_path: Path) -> None:
    settings.DEMO = False
    settings.VAR_DIR = tmp_path


@pytest.mark.django_db
def test_a_new_portal_has_nothing_of_the_demo(production: None) -> None:
    User.objects.create_superuser("admin", "me@example.com", "a long password")
    assert leftovers.find_leftovers() == []
    assert "nothing is left from a demo" in doctor_checks.check_demo()


@pytest.mark.django_db
def test_the_demos_orders_staff_and_content_are_reported(production: None, tmp_path: Path) -> None:
    create_vendor()
    orders.write_orders_file(tmp_path / "import.jsonl", timezone.now())
    call_command("import_orders", str(tmp_path / "import.jsonl"))
    ensure_agent()
    ensure_staff("a long password")
    country_data.load_country_data(vendor.STORE_URL)
    help_articles.load_help_articles()
    (warning,) = checks.check_demo_leftovers(None)
    with pytest.raises(doctor_checks.CheckFailed) as failure:
        doctor_checks.check_demo()
    for text in (warning.msg, failure.value.problem):
        for part in ("orders of the demo’s stores", "admin, demo-agent", "products", "phone numbers", "help articles"):
            assert part in text
    assert "empty database" in failure.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ALLOWED_HOSTS", ["*"], checks.ANY_HOST),
        ("CLIENT_IP_HEADER", "X-Forwarded-For", checks.UNUSED_CLIENT_IP_HEADER),
        ("TRUSTED_PROXIES", ["10.0.0.0/8"], checks.UNTRUSTED_PROXY),
    ],
)
def test_settings_that_trust_anyone_or_no_one_are_reported(
    settings: Settings, name: str, value: object, expected: str
) -> None:
    assert not django_settings.BEHIND_PROXY
    setattr(settings, name, value)
    assert [each.id for each in checks.check_hosts_and_proxies(None)] == [expected]
