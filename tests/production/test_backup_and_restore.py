"""The drill of docs/operate.md: dump, files, releases and keys come to a second place, where orders open again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import environ
import pytest
from django.conf import settings

from notifications.models import Message
from orders.models import Order
from orders.passwords import portal_password
from portal.engines import POSTGRES_PROGRAMS
from tests.factories import make_order
from tests.portal.running_demo import ROOT
from tests.production.stack import Stack
from tests.production.visitors import Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"
ADDRESS = "restored@example.com"


@dataclass
class Restored:
    """The second place: its settings, its database and its files."""

    stack: Stack
    values: dict[str, object]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.stack.environment(**self.values),
            capture_output=True,
            text=True,
            check=False,
        )


def postgresql(program: str, database: str, *arguments: str) -> None:
    server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
    found = shutil.which(program, path=POSTGRES_PROGRAMS)
    assert found is not None
    variables = {
        "PGHOST": str(server["HOST"] or server.get("OPTIONS", {}).get("host", "")),
        "PGPORT": str(server["PORT"] or 5432),
        "PGUSER": str(server["USER"]),
        "PGPASSWORD": str(server["PASSWORD"]),
        "PGDATABASE": database,
    }
    subprocess.run([found, *arguments], env=os.environ | variables, check=True, capture_output=True)


@pytest.fixture(scope="module")
def order(shop: Stack) -> Order:
    """An order with a file, and an email that waits in the backup."""
    with shop.orm():
        order = make_order(store_email=ADDRESS, card_last4="7777")
        Message.objects.create(
            kind="order_confirmation",
            object_id=order.pk,
            recipient=ADDRESS,
            order_id=order.pk,
            due_at="2099-01-01T00:00Z",
        )
        return order


@pytest.fixture(scope="module")
def restored(shop: Stack, order: Order, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    """As docs/operate.md says: pg_dump, and copies of the two folders; then pg_restore, and `after_restore`."""
    folder = tmp_path_factory.mktemp("backup")
    private, releases = folder / "private", folder / "releases"
    postgresql("pg_dump", shop.database, "--format=custom", f"--file={folder}/portal.dump")
    for source, copy in ((settings.PRIVATE_ROOT, private), (settings.RELEASES_ROOT, releases)):
        shutil.copytree(source, copy)
    name = f"restored_{os.getpid()}"
    postgresql("createdb", "postgres", "--template=template0", name)
    try:
        postgresql("pg_restore", name, "--no-owner", "--exit-on-error", f"--dbname={name}", f"{folder}/portal.dump")
        address = shop.environment()["DATABASE_URL"]
        values = {
            "DATABASE_URL": f"{address.rpartition('/')[0]}/{name}",
            "PRIVATE_ROOT": private,
            "RELEASES_ROOT": releases,
        }
        yield Restored(shop, values)
    finally:
        postgresql("dropdb", "postgres", "--force", name)


def test_after_the_restore_everything_waits_and_orders_open(restored: Restored, order: Order) -> None:
    held = restored.manage("after_restore")
    assert held.returncode == 0, held.stderr
    assert "Nothing leaves the portal" in held.stdout
    checked = restored.manage("doctor", "migrations", "tables", "keys", "storage", "releases", "hold")
    assert checked.returncode == 1
    assert [line for line in checked.stdout.splitlines() if "FAILED" in line] == [
        line for line in checked.stdout.splitlines() if line.startswith("hold")
    ]
    with restored.stack.another_web_server(**restored.values) as port:
        visitor = Visitor(restored.stack, port=port)
        password = portal_password(order) or ""  # made with the restored key
        sent = visitor.post_form(FIND, "/orders/find/number/", order_number=order.number, password=password)
        assert order.number in visitor.get(sent.location).text
    assert restored.manage("after_restore", "--release", "--cancel-emails").returncode == 0
    checked = restored.manage("doctor", "migrations", "tables", "keys", "storage", "releases", "hold")
    assert checked.returncode == 0, checked.stdout


def test_another_key_is_named_by_doctor(restored: Restored) -> None:
    values = restored.values
    wrong = Restored(
        restored.stack, values | {"ORDER_PASSWORD_KEY": "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"}
    )
    checked = wrong.manage("doctor", "keys")
    assert checked.returncode == 1
    assert "another ORDER_PASSWORD_KEY" in checked.stdout
