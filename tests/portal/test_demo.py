"""A newcomer's first command: everything starts, everything answers, everything ends."""

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

# One demo for the whole file, whichever worker of pytest-xdist runs it.
pytestmark = pytest.mark.xdist_group("demo")

PAGES = ["/", "/orders/find/", "/orders/", "/demo/inbox/", "/admin/", "/healthz", "/readyz"]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    demo = RunningDemo(tmp_path_factory.mktemp("demo") / "var")
    try:
        yield demo
    finally:
        demo.clear_away()


@pytest.fixture
def demo(started: RunningDemo) -> RunningDemo:
    """Running, whatever the test before did to it."""
    started.ensure_running()
    return started


def test_it_says_where_it_is_and_how_to_find_an_order(demo: RunningDemo) -> None:
    lines = demo.said.splitlines()
    assert f"Ready: {demo.site}/" in lines
    for word in (
        vendor.PASSWORD_ORDER,
        vendor.ORDER_PASSWORD,
        vendor.CARD_LAST4,
        vendor.BUYER_WITH_PAYPAL.email,
        "admin",
    ):
        assert word in demo.said
    assert "Traceback" not in demo.said
    assert len(lines) < 20


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers(demo: RunningDemo, path: str) -> None:
    assert Browser(demo.site).get(path).status == 200


def test_an_order_opens_with_the_number_and_password_of_the_table(demo: RunningDemo) -> None:
    page = Browser(demo.site).post(
        "/orders/find/number/",
        "/orders/find/",
        order_number=vendor.PASSWORD_ORDER,
        password=vendor.ORDER_PASSWORD,
    )
    assert page.status == 200
    assert "data-order-number" in page.text
    assert "data-serial" in page.text


def test_several_orders_open_with_the_email_and_card_of_the_table(demo: RunningDemo) -> None:
    page = Browser(demo.site).post(
        "/orders/find/card/", "/orders/find/", email=vendor.BUYER_WITH_CARD.email, card_last4=vendor.CARD_LAST4
    )
    assert page.status == 200
    assert len(re.findall("data-order-number", page.text)) == 3


def test_an_emailed_link_arrives_in_the_inbox(demo: RunningDemo) -> None:
    browser = Browser(demo.site)
    browser.post("/orders/find/link/", "/orders/find/", email=vendor.BUYER_WITH_PAYPAL.email)
    deadline = time.monotonic() + 30
    while not (links := [text for text in mails(demo) if f"{demo.site}/access/" in text]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert vendor.BUYER_WITH_PAYPAL.email in links[0]


def test_new_orders_confirmations_are_kept_as_files(demo: RunningDemo) -> None:
    deadline = time.monotonic() + 30
    while not any(f"To: {vendor.BUYER_WITH_PAYPAL.email}" in text for text in mails(demo)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    inbox = Browser(demo.site).get("/demo/inbox/").text
    assert vendor.BUYER_WITH_PAYPAL.email in inbox


def mails(demo: RunningDemo) -> list[str]:
    return [path.read_text().replace("=\n", "") for path in sorted((demo.folder / "mail").glob("*.eml"))]


def test_staff_come_in_with_the_login_of_the_table(demo: RunningDemo) -> None:
    password = re.search(r"admin   (\S+)", demo.said)
    assert password
    page = Browser(demo.site).post(
        "/admin/login/?next=/admin/", "/admin/login/", username="admin", password=password[1], next="/admin/"
    )
    assert page.status == 200
    assert "/admin/logout/" in page.text


def test_commands_in_a_second_terminal_reach_the_same_data(demo: RunningDemo) -> None:
    doctor = manage("doctor", VAR=demo.folder)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    parts = [line.split()[0] for line in doctor.stdout.splitlines()]
    servers, rest = parts[:7], parts[7:]
    assert servers == ["settings", "database", "migrations", "tables", "broker", "worker", "beat"]
    assert rest == ["mail", "storage", "uploads", "releases", "outbox"]


def test_its_secrets_are_for_its_owner_only(demo: RunningDemo) -> None:
    assert stat.S_IMODE((demo.folder / "demo.env").stat().st_mode) == 0o600


def test_a_second_demo_on_the_same_folder_is_refused_with_a_sentence(demo: RunningDemo) -> None:
    second = manage("demo", "--port", "1", VAR=demo.folder)
    assert second.returncode == 2
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_in_use_is_told_in_a_sentence(demo: RunningDemo, tmp_path: Path) -> None:
    second = manage("demo", "--port", str(demo.port), VAR=tmp_path / "other")
    assert second.returncode == 2
    assert f"Port {demo.port} is not free" in second.stderr
    assert "Traceback" not in second.stderr


def test_sigterm_ends_everything_and_the_next_start_has_the_same_data(demo: RunningDemo) -> None:
    login = re.search(r"admin   (\S+)", demo.said)
    secrets = secret_lines(demo)
    assert demo.end(signal.SIGTERM) == (0, [])
    demo.start()
    assert login
    assert login[0] in demo.said
    assert secret_lines(demo) == secrets
    assert "are there already" in (demo.folder / "log" / "prepare.log").read_text()


def secret_lines(demo: RunningDemo) -> list[str]:
    lines = (demo.folder / "demo.env").read_text().splitlines()
    return [line for line in lines if line.startswith(("SECRET_KEY", "ORDER_PASSWORD_KEY", "DEMO_ADMIN_PASSWORD"))]


def test_a_part_that_crashes_is_told_and_ends_the_rest(demo: RunningDemo) -> None:
    family = demo.processes
    beat = next(process for process in family if "beat" in process.cmdline())
    beat.kill()
    assert demo.wait(15) == 1
    assert "Celery beat ended by itself" in demo.said
    assert wait_until_ended(family, 0.5) == []


def test_what_a_killed_demo_left_running_is_ended_by_the_next(demo: RunningDemo) -> None:
    family = demo.processes
    psutil.Process(family[0].pid).kill()
    demo.wait(5)
    demo.start()
    assert wait_until_ended(family, 0.5) == []
    assert Browser(demo.site).get("/readyz").status == 200


def test_ending_it_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path / "var")
    try:
        process = demo.launch()
        deadline = time.monotonic() + 60
        while "Preparing" not in demo.said:  # PostgreSQL and Valkey run, and a command over them
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(process.children()) >= 2
        assert demo.end(signal.SIGINT) == (0, [])
    finally:
        demo.clear_away()


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    refused = manage("demo", VAR=tmp_path / "file")
    assert refused.returncode == 2
    assert "cannot be written" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http", "８０"])
def test_what_is_no_port_is_told_in_a_sentence(port: str) -> None:
    refused = manage("demo", "--port", port)
    assert refused.returncode == 2
    assert "is no port" in refused.stderr


def test_its_help_teaches() -> None:
    told = manage("demo", "--help")
    assert told.returncode == 0
    assert "make demo" in told.stdout
    assert os.linesep + "examples:" in told.stdout
