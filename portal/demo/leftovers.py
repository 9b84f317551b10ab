"""Find remains of a demo in settings, folder and database, for `check --deploy` and `doctor` in production."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licenses.models import Product, Release
from orders.models import Order, Store
from portal.demo import vendor
from portal.demo.folder import DemoFolder
from portal.sample_content import country_data, help_articles
from support.models import ArticleVersion, PhoneNumber, StoreRegion

# Files and folders that `make demo` creates. `private`, `releases` and `static` may be production's by now.
FILES = ("demo.env", "demo.lock", "demo-orders.jsonl", "engines", "log", "mail")
KEYS = ("SECRET_KEY", "ORDER_PASSWORD_KEY")


@dataclass(frozen=True)
class Leftover:
    """A remnant of the demo that production must not have. Both sentences are shown to the operator."""

    problem: str
    remedy: str


def find_leftovers() -> list[Leftover]:
    """Return everything that is left of the demo. An unreachable database, or one without tables, counts as clean."""
    found = [*_in_settings(), *_in_folder(Path(settings.VAR_DIR))]
    with contextlib.suppress(DatabaseError):  # the database checks report that
        found += _in_database()
    return found


def _in_settings() -> Iterator[Leftover]:
    if settings.DEMO:
        yield Leftover(
            _("DEMO is on: anyone can read all emails at /demo/inbox/, and HTTP is allowed"),
            _("Unset DEMO and restart all processes."),
        )
    demo_values: dict[str, str] = {}
    with contextlib.suppress(OSError):  # only its owner can read the file
        demo_values = DemoFolder(Path(settings.VAR_DIR)).read_settings()
    same = [name for name in KEYS if demo_values.get(name) == getattr(settings, name)]
    if same and not settings.DEMO:
        yield Leftover(
            _("%(names)s has the demo’s value") % {"names": ", ".join(same)},
            _("Create new keys. See docs/install.md."),
        )


def _in_folder(folder: Path) -> Iterator[Leftover]:
    names = [name for name in FILES if os.path.exists(folder / name)]  # no error if a folder can't be read
    if names:
        yield Leftover(
            _("the folder %(folder)s contains files of the demo: %(names)s")
            % {"folder": folder, "names": ", ".join(names)},
            _(
                "Delete them: `cd %(folder)s && rm -r %(names)s`. If your portal hasn’t used its folders private "
                "and releases, their files belong to the demo, too."
            )
            % {"folder": folder, "names": " ".join(names)},
        )


def _in_database() -> list[Leftover]:
    stores = Store.objects.filter(slug__in=[store.slug for store in vendor.STORES])
    orders = Order.objects.filter(store__in=stores).count()
    staff = User.objects.filter(
        Q(username=vendor.ADMIN_USERNAME, email=vendor.SUPPORT_EMAIL) | Q(username=vendor.AGENT_USERNAME),
        is_active=True,
    )
    names = list(staff.order_by("username").values_list("username", flat=True))
    found = []
    if stores.exists():
        found.append(
            ngettext("%(count)d order of the demo’s stores", "%(count)d orders of the demo’s stores", orders)
            % {"count": orders}
        )
    if names:
        found.append(_("the demo’s staff: %(names)s") % {"names": ", ".join(names)})
    found += [_("%(count)d %(what)s") % {"count": count, "what": what} for what, count in _content() if count]
    if not found:
        return []
    return [
        Leftover(
            _("the database contains content of the demo: %(found)s") % {"found": "; ".join(found)},
            _(
                "Point DATABASE_URL at a new, empty database and run `manage.py migrate`. To keep this database, "
                "deactivate the demo’s staff first, then change or delete all of these in the admin."
            ),
        )
    ]


def _content() -> Iterator[tuple[str, int]]:
    """Return what each kind of sample content is called, and how much of it exists."""
    yield _("installers"), Release.objects.filter(file_name__startswith=vendor.INSTALLER_PREFIX).count()
    products = [product.slug for product in vendor.PRODUCTS]
    yield _("products"), Product.objects.filter(slug__in=products, name__in=_product_names()).count()
    yield _("links to stores"), StoreRegion.objects.filter(url__startswith=vendor.STORE_URL).count()
    numbers = [number for _countries, number, _international in country_data.PHONES]
    yield _("phone numbers"), PhoneNumber.objects.filter(number__in=numbers).count()
    yield _("help articles"), ArticleVersion.objects.filter(body__in=help_articles.demo_bodies()).count()


def _product_names() -> list[str]:
    return [product.name for product in vendor.PRODUCTS]
