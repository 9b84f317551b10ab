"""The dumps of released versions: `dumps/VERSION.dump`, as pg_dump writes it, and `dumps/VERSION.json` about it."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from portal.engines import POSTGRES_PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "dumps"
MAX_BYTES = 1_000_000
# Rows of these tables are created and deleted automatically.
NOT_COUNTED = {"django_migrations", "django_content_type", "auth_permission", "django_session"}


@dataclass(frozen=True)
class ReleasedVersion:
    """A version, with the number of rows in each table of its dump and the SHA-256 of each of its migrations."""

    version: str
    made_at: str
    rows: dict[str, int]
    migrations: dict[str, str]

    @property
    def dump(self) -> Path:
        return FOLDER / f"{self.version}.dump"

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.made_at)


def load_versions() -> list[ReleasedVersion]:
    return [ReleasedVersion(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]


def dump_database(version: str) -> ReleasedVersion:
    """Dump the database of this process as that of this version."""
    released = ReleasedVersion(version, timezone.now().isoformat(), count_rows(), migration_digests())
    run_postgresql("pg_dump", "--format=custom", "--compress=9", "--no-owner", f"--file={released.dump}")
    (FOLDER / f"{version}.json").write_text(json.dumps(asdict(released), indent=1, sort_keys=True) + "\n")
    return released


@contextmanager
def restored(released: ReleasedVersion, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Restore the dump into a new database, which is that of this process meanwhile."""
    usual = connection.settings_dict["NAME"]
    name = f"upgrade_{released.version.replace('.', '_')}_{os.getpid()}"
    with blocker.unblock():
        run_postgresql("createdb", "--template=template0", name, database="postgres")
    try:
        with blocker.unblock():
            run_postgresql("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}", str(released.dump))
            _use(name)
        yield
    finally:
        with blocker.unblock():
            _use(usual)
            run_postgresql("dropdb", "--force", name, database="postgres")


def _use(database: str) -> None:
    """Connect this process to another database, and clear cached ids of the previous one."""
    connection.close()
    connection.settings_dict["NAME"] = database
    ContentType.objects.clear_cache()


def count_rows() -> dict[str, int]:
    """The number of rows by table."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - NOT_COUNTED)
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            counts[table] = cursor.fetchone()[0]
    return counts


def migration_digests() -> dict[str, str]:
    """The SHA-256 of each migration of the portal's own apps, by its path."""
    folders = [Path(app.path) / "migrations" for app in apps.get_app_configs() if Path(app.path).parent == ROOT]
    files = [path for folder in folders for path in sorted(folder.glob("[0-9]*.py"))]
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run_postgresql(program: str, *arguments: str, database: str = "") -> None:
    """Run one of PostgreSQL's programs on the server of this process, on its database or the given one."""
    found = shutil.which(program, path=POSTGRES_PROGRAMS)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed (Debian: apt-get install postgresql-client).")
    settings: dict[str, Any] = connection.settings_dict
    variables = {
        "PGHOST": settings["HOST"],
        "PGPORT": settings["PORT"],
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
        "PGDATABASE": database or settings["NAME"],
    }
    environment = os.environ | {name: str(value) for name, value in variables.items() if value}
    completed = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise RuntimeError(f"{program} failed: {completed.stderr.strip()}")
