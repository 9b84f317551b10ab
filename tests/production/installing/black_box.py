"""What `make production` tests of the installed portal from outside: through nginx, and with documented commands.

Each step looks at one promise once. What has a test of its own is tested there in depth.
"""

import contextlib
import csv
import io
import os
import re
import secrets
import signal
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from portal.engines import POSTGRES_PROGRAMS
from tests.portal.running_demo import ROOT
from tests.production.installing.documents import command, shell_block
from tests.production.installing.installation import READY_TIMEOUT, Step, restart
from tests.production.installing.machine import Machine
from tests.production.nginx import Nginx, NginxVisitor
from tests.production.stack import SITE
from tests.production.visitors import Page, Visitor
from tests.waiting import wait_until

FIND = "/orders/find/"
OPS = "ops@vendor.example"
ANN, LEE = "ann@buyer.example", "lee@buyer.example"
PASSWORD = re.compile(r"^Order password: (\S+)", re.MULTILINE)
INSTALLER = b"MZ" + bytes(range(256)) * 4000  # 1 MB
DUMP = ROOT / "tests" / "upgrade" / "dumps" / "0.1.0.dump"
KEYS_OF_DUMP = ("tests-only-" + "x" * 50, "tests-only-" + "y" * 50)  # see tests/engines.py
SERVICES = {"portal-web": "gunicorn", "portal-worker": "worker", "portal-beat": "beat"}


# --- Helpers -----------------------------------------------------------------------------------------------


def expect(is_true: object, sentence: str) -> None:
    if not is_true:
        raise AssertionError(sentence)


def visitor(machine: Machine, address: str = "127.0.0.1") -> NginxVisitor:
    nginx = Nginx(machine.folder / "etc" / "ssl" / "portal", machine.ports["http"], machine.ports["https"])
    return NginxVisitor(machine, nginx, address)  # type: ignore[arg-type]  # of the stack, only the port is used


def emails_to(machine: Machine, address: str) -> list[str]:
    received = zip(list(machine.mail.emails), list(machine.mail.recipients), strict=False)
    texts = [email.get_body(("plain",)) for email, recipient in received if recipient == address]
    return [body.get_content() for body in texts if body is not None]


def next_email(machine: Machine, address: str, cause: Callable[[], object]) -> str:
    """Cause an email to this address, and wait for it."""
    before = len(emails_to(machine, address))
    cause()
    wait_until(lambda: len(emails_to(machine, address)) > before, f"an email to {address}", READY_TIMEOUT)
    return emails_to(machine, address)[-1]


def request_link(machine: Machine, address: str) -> str:
    """Request an emailed link, and return its path."""
    guest = visitor(machine)
    text = next_email(machine, address, lambda: guest.post_form(FIND, "/orders/find/link/", email=address))
    return next(word for word in text.split() if word.startswith(f"{SITE}/access/")).removeprefix(SITE)


def open_by_link(machine: Machine, address: str) -> tuple[NginxVisitor, Page]:
    path = request_link(machine, address)
    guest = visitor(machine)
    opened = guest.post(path, {"csrfmiddlewaretoken": guest.csrf_token()})
    expect(opened.status == 302, f"The link answers {opened.status}.")
    return guest, guest.get(opened.location, follow=True)


def try_password(machine: Machine, number: str, password: str, guest: NginxVisitor | None = None) -> Page:
    return (guest or visitor(machine)).post_form(FIND, "/orders/find/number/", order_number=number, password=password)


def latest_password(machine: Machine, address: str) -> str:
    """The order password in the newest email that has one."""
    found = [match[1] for text in emails_to(machine, address) for match in re.finditer(PASSWORD, text)]
    expect(found, f"No email to {address} has an order password.")
    return found[-1]


def log_of(machine: Machine, service: str) -> str:
    return (machine.folder / "log" / f"{service}.log").read_text(errors="replace")


# --- Orders ------------------------------------------------------------------------------------------------


def add_installer(machine: Machine) -> None:
    """The product is what staff create in the admin; the installer is added by its documented command."""
    code = (
        "from licenses.models import Product, Sku; from orders.models import Store; "
        "product = Product.objects.create(slug='ledger-pro', name='Ledger Pro'); "
        "store = Store.objects.create(slug='my-shop', name='My Shop', time_zone='Europe/Berlin'); "
        "Sku.objects.create(store=store, code='LED-1Y', product=product)"
    )
    machine.manage("shell", "--no-imports", "-c", code)
    file = machine.folder / "var" / "lib" / "portal" / "Setup.exe"
    file.write_bytes(INSTALLER)
    file.chmod(0o644)
    words = command(
        "downloads.md", "add_release Setup.exe --product maximum-security --version 17.8.1 --platform windows"
    )
    words = ["ledger-pro" if word == "maximum-security" else word for word in words]
    machine.manage(words[0], str(file), *words[2:])
    file.unlink()


def import_orders(machine: Machine) -> None:
    def row(number: str, email: str) -> dict[str, str]:
        now = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d %H:%M:%S} +0000"
        values = {"Name": number, "Email": email, "Financial Status": "paid", "Paid at": now, "Currency": "EUR"}
        values |= {"Subtotal": "79.95", "Shipping": "0.00", "Taxes": "12.76", "Total": "79.95", "Created at": now}
        values |= {"Lineitem quantity": "1", "Lineitem name": "Ledger Pro", "Lineitem price": "79.95"}
        values |= {"Lineitem sku": "LED-1Y", "Billing Name": "Ann Archer", "Billing Country": "GB"}
        return values | {"Payment Method": "Stripe", "Id": f"51234567890{number}"}

    rows = [row("1001", ANN), row("1002", LEE)]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file = machine.folder / "var" / "lib" / "portal" / "orders_export.csv"
    file.write_text(table.getvalue())
    file.chmod(0o644)

    def run() -> None:
        machine.manage("import_orders", "--store", "my-shop", str(file))

    text = next_email(machine, ANN, run)
    expect("1001" in text, f"The confirmation has no order number:\n{text}")
    wait_until(lambda: bool(emails_to(machine, LEE)), "the other confirmation", READY_TIMEOUT)
    expect("unchanged" in machine.manage("import_orders", "--store", "my-shop", str(file)), "The import is repeated.")


def find_an_order(machine: Machine) -> None:
    wrong = try_password(machine, "1001", "wrong")
    expect(wrong.status == 422, f"A wrong password is answered with {wrong.status}.")
    guest = visitor(machine)
    opened = try_password(machine, "1001", latest_password(machine, ANN), guest)
    expect(opened.status == 302, f"The password in the email is answered with {opened.status}.")
    page = guest.get(opened.location)
    expect("1001" in page.text and "Ledger Pro" in page.text, "The order's page doesn't show the order.")
    invoice = guest.get(f"{opened.location}invoice.pdf")
    expect(invoice.content.startswith(b"%PDF"), f"The invoice answers {invoice.status}.")


def open_by_emailed_link(machine: Machine) -> None:
    path = request_link(machine, ANN)
    guest = visitor(machine)
    expect(guest.get(path).status == 200, "The link shows no button.")
    opened = guest.post(path, {"csrfmiddlewaretoken": guest.csrf_token()})
    expect("1001" in guest.get(opened.location, follow=True).text, "The link doesn't open the order.")
    again = visitor(machine)
    used = again.post(path, {"csrfmiddlewaretoken": again.csrf_token()})
    expect(used.status == 410, f"A used link answers {used.status}.")


def download_in_ranges(machine: Machine) -> None:
    guest, page = open_by_link(machine, ANN)
    link = next((link for link in page.links("href") if "/download/" in link), "")
    expect(link, "The order's page has no download.")
    target = guest.get(link).location
    whole = guest.get(target)
    expect(whole.status == 200 and whole.content == INSTALLER, f"The download answers {whole.status}.")
    rest = guest.get(target, headers=[("Range", "bytes=1000-"), ("If-Range", whole.headers["ETag"])])
    expect(rest.status == 206 and rest.content == INSTALLER[1000:], f"A range answers {rest.status}.")
    expect(guest.get("/installers/").status in (403, 404), "The folder of installers is open.")


# --- nginx and settings ------------------------------------------------------------------------------------


def pages_have_their_headers(machine: Machine) -> None:
    guest = visitor(machine)
    for path in ("/", FIND, "/help/", "/admin/login/"):
        page = guest.get(path, follow=True)
        expect(page.status == 200, f"{path} answers {page.status}.")
        expect("max-age=31536000" in (page.headers["Strict-Transport-Security"] or ""), f"{path} has no HSTS.")
        expect("default-src 'none'" in (page.headers["Content-Security-Policy"] or ""), f"{path} has no CSP.")
    expect(guest.get("/admin/").location.startswith("/admin/login/"), "The admin is open.")
    plain = Visitor(machine, port=machine.ports["http"]).get(f"{FIND}?a=1")  # type: ignore[arg-type]
    expect((plain.status, plain.headers["Location"]) == (301, f"{SITE}{FIND}?a=1"), f"http:// answers {plain.status}.")
    with contextlib.suppress(OSError):
        other = guest.get(FIND, headers=[("Host", "evil.example")])
        raise AssertionError(f"Another host is answered with {other.status}.")


def health_and_metrics(machine: Machine) -> None:
    guest = visitor(machine)
    expect(guest.get("/healthz").text == "ok\n", "/healthz isn't ok.")
    expect(guest.get("/readyz").text == "ok\n", "/readyz isn't ok.")
    token = secrets.token_urlsafe(32)
    machine.set_variables(METRICS_TOKEN=token)
    restart(machine)
    authorization = {"Authorization": f"Bearer {token}"}
    expect(guest.get("/metrics", headers=authorization.items()).status == 404, "/metrics is open to the internet.")
    address = f"http://127.0.0.1:{machine.ports['web']}/metrics"
    with urlopen(Request(address, headers=authorization)) as answer:
        text = answer.read().decode()
    expect("portal_outbox_due 0.0" in text and "portal_beat_age_seconds" in text, "/metrics lacks a metric.")
    with contextlib.suppress(OSError):  # HTTPError
        urlopen(address)
        raise AssertionError("/metrics answers without its token.")


def only_the_real_address_counts(machine: Machine) -> None:
    guest = visitor(machine, "127.0.0.77")
    fields = {"order_number": "1001", "password": "wrong", "csrfmiddlewaretoken": guest.csrf_token()}
    guest.post("/orders/find/number/", fields, headers=[("X-Forwarded-For", "192.0.2.66")])
    client = machine.psql("SELECT client FROM orders_attempt ORDER BY id DESC LIMIT 1")
    expect(client == "127.0.0.77", f"The attempt counts for {client}.")


def an_unknown_host_is_one_line(machine: Machine) -> None:
    before = len(log_of(machine, "portal-web"))
    request = Request(f"http://127.0.0.1:{machine.ports['web']}{FIND}", headers={"Host": "evil.example"})
    with contextlib.suppress(OSError):
        urlopen(request)
        raise AssertionError("Web answers another host.")
    lines = log_of(machine, "portal-web")[before:].strip().splitlines()
    expect(len(lines) == 1 and "evil.example" in lines[0], f"The log has {len(lines)} lines about it: {lines[:3]}")


# --- Processes ---------------------------------------------------------------------------------------------


def killed_processes_come_back(machine: Machine) -> None:
    for name, part in SERVICES.items():
        service = machine.services[name]
        starts = service.starts
        assert service.process is not None
        expect(any(part in word for word in service.command), f"{name} isn't {part}.")
        os.kill(service.process.pid, signal.SIGKILL)
        wait_until(lambda service=service, starts=starts: service.starts > starts, name, READY_TIMEOUT)  # type: ignore[misc]
    machine.run("portal-manage doctor --wait 120")
    expect("1002" in open_by_link(machine, LEE)[1].text, "After that, no order opens.")


def errors_are_mailed(machine: Machine) -> None:
    """The broker dies; those who run the portal get an email without personal data, and the worker comes back."""
    machine.set_variables(ERROR_EMAILS=OPS)
    restart(machine)
    text = next_email(machine, OPS, machine.services["redis-server"].stop)
    machine.services["redis-server"].start()
    expect("celery" in text, f"The email names no place in the code:\n{text}")
    secrets_in_text = [word for word in (machine.password, ANN, LEE, "redis://") if word in text]
    expect(not secrets_in_text, f"The email about an error contains {secrets_in_text}:\n{text}")
    machine.run("portal-manage doctor --wait 120")


def the_log_has_no_errors(machine: Machine) -> None:
    """As a user whose home doesn't exist. Beat is left aside: after a kill, it may find its schedule damaged."""
    lines = [line for name in SERVICES for line in log_of(machine, name).splitlines()]
    lines += machine.log.read_text().splitlines()
    refused = [line for line in lines if "ermission denied" in line or "/nonexistent" in line]
    expect(not refused, f"{len(refused)} lines about refused access, such as: {refused[:3]}")
    for name in ("portal-web", "portal-worker"):
        lines = [line for line in log_of(machine, name).splitlines() if "evil.example" not in line]  # the wrong host
        errors = [line for line in lines if " ERROR " in line or "Traceback" in line]
        expect(not errors, f"{name} logged {len(errors)} errors, such as: {errors[:3]}")


# --- Keys --------------------------------------------------------------------------------------------------


def rotate_secret_key(machine: Machine) -> None:
    guest, page = open_by_link(machine, ANN)
    machine.set_variables(SECRET_KEY=secrets.token_urlsafe(50), SECRET_KEY_FALLBACKS=machine.variable("SECRET_KEY"))
    restart(machine)
    expect(guest.get(page.path).status == 200, "The session ended with a planned change of SECRET_KEY.")


def rotate_order_password_key(machine: Machine) -> None:
    earlier = latest_password(machine, ANN)
    old = machine.variable("ORDER_PASSWORD_KEY")
    machine.set_variables(ORDER_PASSWORD_KEY=secrets.token_urlsafe(50), ORDER_PASSWORD_KEY_FALLBACKS=old)
    restart(machine)
    expect(try_password(machine, "1001", earlier).status == 302, "An earlier password doesn't open its order.")
    machine.manage(*command("security.md", "rotate_keys"))
    machine.set_variables(ORDER_PASSWORD_KEY_FALLBACKS="")
    restart_without_doctor(machine)
    machine.manage(*command("security.md", "rotate_keys --finish"))
    machine.run("portal-manage doctor --wait 60")
    expect(try_password(machine, "1001", earlier).status == 422, "A password of the removed key opens an order.")
    # After a leak, the buyers of new orders get a new password immediately.
    machine.set_variables(ORDER_PASSWORD_KEY=secrets.token_urlsafe(50))
    restart_without_doctor(machine)
    machine.manage(*command("security.md", "rotate_keys --compromised --dry-run"))
    compromised = command("security.md", "rotate_keys --compromised")
    next_email(machine, ANN, lambda: machine.manage(*compromised))
    expect(
        try_password(machine, "1001", latest_password(machine, ANN)).status == 302, "The new password opens nothing."
    )
    machine.run("portal-manage doctor --wait 60")


def restart_without_doctor(machine: Machine) -> None:
    """Between two steps of docs/security.md, doctor rightly fails."""
    machine.run("sudo systemctl restart portal-web portal-worker portal-beat")
    wait_until_web_answers(machine)


def wait_until_web_answers(machine: Machine) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError):
            return visitor(machine).get("/readyz").status == 200
        return False

    wait_until(answers, "web answers", READY_TIMEOUT)


# --- Privacy -----------------------------------------------------------------------------------------------


def export_and_erase_a_person(machine: Machine) -> None:
    target = machine.folder / "var" / "lib" / "portal" / "lee.zip"
    machine.manage("export_person", LEE, "--output", str(target))
    with zipfile.ZipFile(target) as archive:
        expect("1002" in archive.read("person.json").decode(), "The export lacks the order.")
    target.unlink()
    machine.manage("erase_person", LEE, "--dry-run")
    machine.manage("erase_person", LEE)
    before = len(emails_to(machine, LEE))
    visitor(machine).post_form(FIND, "/orders/find/link/", email=LEE)
    open_by_link(machine, ANN)  # is delivered after what would have been sent to the erased address
    expect(len(emails_to(machine, LEE)) == before, "An erased person still gets emails.")


# --- Backup and upgrade ------------------------------------------------------------------------------------


def back_up_and_restore(machine: Machine) -> None:
    machine.run(shell_block("operate.md", "Backups", "sudo -u postgres pg_dump"))
    machine.psql("DELETE FROM orders_attempt")
    machine.set_variables(SECRET_KEY="lost-" + "0123456789" * 5)
    for installer in (machine.folder / "var" / "lib" / "portal" / "releases").rglob("*"):
        if installer.is_file():
            installer.unlink()
    machine.run(shell_block("operate.md", "Restore", "sudo systemctl stop portal-web"))
    wait_until_web_answers(machine)
    found = machine.manage("doctor", "tables", "keys", "storage", "releases", "files", "hold", allowed=(1,))
    failed = [line for line in found.splitlines() if "FAILED" in line]
    expect(len(failed) == 1 and failed[0].startswith("hold"), f"After the restore: {failed}")
    expect(
        try_password(machine, "1001", latest_password(machine, ANN)).status == 302, "The restored order doesn't open."
    )
    machine.run(shell_block("operate.md", "Restore", "portal-manage after_restore --release"))
    download_in_ranges(machine)


def upgrade_from_the_first_release(machine: Machine) -> None:
    """The database of version 0.1.0, restored and upgraded with the documented commands."""
    values = {"SECRET_KEY": KEYS_OF_DUMP[0], "ORDER_PASSWORD_KEY": KEYS_OF_DUMP[1]}
    machine.set_variables(**values, SECRET_KEY_FALLBACKS="", ORDER_PASSWORD_KEY_FALLBACKS="")
    machine.run("sudo systemctl stop portal-web portal-worker portal-beat")
    machine.run("dropdb --force portal && createdb --owner=portal portal")
    restore_dump(machine, DUMP)
    machine.run("sudo systemctl start portal-web portal-worker portal-beat")
    direct = machine.folder / "etc" / "portal" / "direct.env"  # not through PgBouncer, as the page says
    direct.write_text(f"DATABASE_URL=postgres://portal:{machine.password}@/{machine.engines.socket_folder}/portal\n")
    direct.chmod(0o644)
    machine.run("PORTAL_ENV=/etc/portal/direct.env PGOPTIONS='-c lock_timeout=5s' portal-manage migrate")
    # The dump has rows in every state, also some that doctor rightly names, so its last line fails.
    machine.run(shell_block("operate.md", "Upgrades", "cd /opt/portal && sudo git pull"), allowed=(0, 1))
    machine.manage("doctor", "migrations", "tables")
    wait_until_web_answers(machine)
    address = machine.psql("SELECT store_email FROM orders_order WHERE store_email <> '' ORDER BY id LIMIT 1")
    _guest, page = open_by_link(machine, address)
    expect(page.status == 200, f"An order of 0.1.0 answers {page.status} after the upgrade.")


def restore_dump(machine: Machine, dump: Path) -> None:
    """Restore a dump, also into an older PostgreSQL than the one that made it."""
    programs = str(POSTGRES_PROGRAMS) if POSTGRES_PROGRAMS else ""
    script = subprocess.run(
        ["pg_restore", "--no-owner", "--file=-", str(dump)],
        env={"PATH": os.pathsep.join([programs, os.defpath])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    unknown = re.compile(r"^(SET transaction_timeout|\\(un)?restrict).*\n", re.MULTILINE)
    file = machine.folder / "run" / "dump.sql"
    file.write_text("SET ROLE portal;\n" + unknown.sub("", script))
    machine.run(f"psql -q -v ON_ERROR_STOP=1 -d portal -f {file}")


STEPS = [
    Step("A product and its installer", add_installer),
    Step("Orders are imported, the worker sends confirmations", import_orders),
    Step("Headers, HTTPS, hosts, the admin's login", pages_have_their_headers),
    Step("A wrong password, and the right one", find_an_order),
    Step("An emailed link opens an order once", open_by_emailed_link),
    Step("A download in ranges, sent by nginx", download_in_ranges),
    Step("A forged address doesn't count", only_the_real_address_counts),
    Step("An unknown host is one line in the log", an_unknown_host_is_one_line),
    Step("/healthz, /readyz, /metrics", health_and_metrics),
    Step("Killed: web, worker, beat come back", killed_processes_come_back),
    Step("SECRET_KEY is replaced", rotate_secret_key),
    Step("ORDER_PASSWORD_KEY is replaced, as planned and after a leak", rotate_order_password_key),
    Step("A person's data is exported and erased", export_and_erase_a_person),
    Step("A backup is made and restored", back_up_and_restore),
    Step("As a user without a home, nothing logs refused access", the_log_has_no_errors),
    Step("The broker dies: an email to those who run the portal", errors_are_mailed),
    Step("Version 0.1.0 is upgraded", upgrade_from_the_first_release),
]
