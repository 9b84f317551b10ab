import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from portal.demo import vendor
from tests.portal.running_demo import Browser, RunningDemo, manage, wait_until_ended

# All tests share one demo, so pytest-xdist must run them in one worker.
pytestmark = pytest.mark.xdist_group("demo")

PAGES = ["/", "/orders/find/", "/orders/", "/demo/inbox/", "/admin/", "/healthz", "/readyz"]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    demo = RunningDemo(tmp_path_factory.mktemp("demo") / "var")
    try:
        yield demo
    finally:
        demo.stop_and_delete()


@pytest.fixture
def demo(started: RunningDemo) -> RunningDemo:
    """The shared demo, restarted if an earlier test ended it."""
    started.ensure_running()
    return started


def test_the_demo_prints_its_address_and_credentials(demo: RunningDemo) -> None:
    lines = demo.output.splitlines()
    assert f"Ready: {demo.site}/" in lines
    for word in (
        vendor.PASSWORD_ORDER,
        vendor.ORDER_PASSWORD,
        vendor.CARD_LAST4,
        vendor.BUYER_WITH_PAYPAL.email,
        "admin",
    ):
        assert word in demo.output
    assert "Traceback" not in demo.output
    assert len(lines) < 20


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_served(demo: RunningDemo, path: str) -> None:
    assert Browser(demo.site).get(path).status == 200


def test_the_printed_number_and_password_open_an_order(demo: RunningDemo) -> None:
    page = Browser(demo.site).post(
        "/orders/find/number/",
        "/orders/find/",
        order_number=vendor.PASSWORD_ORDER,
        password=vendor.ORDER_PASSWORD,
    )
    assert page.status == 200
    assert "data-order-number" in page.text
    assert "data-serial" in page.text


def test_the_printed_email_and_card_open_several_orders(demo: RunningDemo) -> None:
    page = Browser(demo.site).post(
        "/orders/find/card/", "/orders/find/", email=vendor.BUYER_WITH_CARD.email, card_last4=vendor.CARD_LAST4
    )
    assert page.status == 200
    assert len(re.findall("data-order-number", page.text)) == 3


def test_an_emailed_link_arrives_in_the_inbox(demo: RunningDemo) -> None:
    browser = Browser(demo.site)
    browser.post("/orders/find/link/", "/orders/find/", email=vendor.BUYER_WITH_PAYPAL.email)
    deadline = time.monotonic() + 30
    while not (links := [text for text in email_files(demo) if f"{demo.site}/access/" in text]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert vendor.BUYER_WITH_PAYPAL.email in links[0]


def test_confirmations_of_new_orders_are_stored_as_files(demo: RunningDemo) -> None:
    deadline = time.monotonic() + 30
    while not any(f"To: {vendor.BUYER_WITH_PAYPAL.email}" in text for text in email_files(demo)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    inbox = Browser(demo.site).get("/demo/inbox/").text
    assert vendor.BUYER_WITH_PAYPAL.email in inbox


def email_files(demo: RunningDemo) -> list[str]:
    return [path.read_text().replace("=\n", "") for path in sorted((demo.folder / "mail").glob("*.eml"))]


def test_the_printed_staff_login_works(demo: RunningDemo) -> None:
    password = re.search(r"admin   (\S+)", demo.output)
    assert password
    page = Browser(demo.site).post(
        "/admin/login/?next=/admin/", "/admin/login/", username="admin", password=password[1], next="/admin/"
    )
    assert page.status == 200
    assert "/admin/logout/" in page.text


def test_commands_in_a_second_terminal_use_the_same_data(demo: RunningDemo) -> None:
    doctor = manage("doctor", VAR=demo.folder)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    parts = [line.split()[0] for line in doctor.stdout.splitlines()]
    servers, rest = parts[:7], parts[7:]
    assert servers == ["settings", "database", "migrations", "tables", "broker", "worker", "beat"]
    assert rest[:6] == ["mail", "storage", "uploads", "releases", "files", "backup"]
    assert rest[6:9] == ["hold", "outbox", "keys"]
    assert rest[9:] == ["gateways", "stores", "approvals", "roles", "staff", "demo"]


def test_the_settings_file_is_readable_by_its_owner_only(demo: RunningDemo) -> None:
    assert stat.S_IMODE((demo.folder / "demo.env").stat().st_mode) == 0o600


def test_a_second_demo_on_the_same_folder_is_refused(demo: RunningDemo) -> None:
    refused = manage("demo", "--port", "1", VAR=demo.folder)
    assert refused.returncode == 2
    assert "already running" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_in_use_is_refused(demo: RunningDemo, tmp_path: Path) -> None:
    refused = manage("demo", "--port", str(demo.port), VAR=tmp_path / "other")
    assert refused.returncode == 2
    assert f"Port {demo.port} isn't available" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_sigterm_ends_everything_and_the_next_start_has_the_same_data(demo: RunningDemo) -> None:
    login = re.search(r"admin   (\S+)", demo.output)
    secrets = secret_lines(demo)
    assert demo.end(signal.SIGTERM) == (0, [])
    demo.start()
    assert login
    assert login[0] in demo.output
    assert secret_lines(demo) == secrets
    assert "The demo orders are already loaded." in (demo.folder / "log" / "prepare.log").read_text()


def secret_lines(demo: RunningDemo) -> list[str]:
    lines = (demo.folder / "demo.env").read_text().splitlines()
    return [line for line in lines if line.startswith(("SECRET_KEY", "ORDER_PASSWORD_KEY", "DEMO_ADMIN_PASSWORD"))]


def test_a_crashed_process_is_reported_and_ends_the_demo(demo: RunningDemo) -> None:
    processes = demo.processes
    beat = next(process for process in processes if "beat" in process.cmdline())
    beat.kill()
    assert demo.wait(15) == 1
    assert "Celery beat stopped unexpectedly" in demo.output
    assert wait_until_ended(processes, 0.5) == []


@pytest.mark.stress
def test_processes_left_by_a_killed_demo_are_ended_by_the_next_start(demo: RunningDemo) -> None:
    processes = demo.processes
    psutil.Process(processes[0].pid).kill()
    demo.wait(5)
    demo.start()
    assert wait_until_ended(processes, 0.5) == []
    assert Browser(demo.site).get("/readyz").status == 200


def test_ending_the_demo_during_its_start_leaves_nothing_running(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path / "var")
    try:
        process = demo.launch()
        deadline = time.monotonic() + 60
        while "Preparing" not in demo.output:  # PostgreSQL and Valkey are running, and a command as well
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(process.children()) >= 2
        assert demo.end(signal.SIGINT) == (0, [])
    finally:
        demo.stop_and_delete()


def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    refused = manage("demo", VAR=tmp_path / "file")
    assert refused.returncode == 2
    assert "isn't writable" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http", "８０"])
def test_an_invalid_port_is_refused(port: str) -> None:
    refused = manage("demo", "--port", port)
    assert refused.returncode == 2
    assert "isn't a port" in refused.stderr


def test_help_shows_examples() -> None:
    completed = manage("demo", "--help")
    assert completed.returncode == 0
    assert "make demo" in completed.stdout
    assert os.linesep + "examples:" in completed.stdout
