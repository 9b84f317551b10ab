from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules, import_string
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        # Apps register their panels of the order page in a module `panels`.
        autodiscover_modules("panels")
        post_migrate.connect(_record_first_key, sender=self)


def _record_first_key(sender: OrdersConfig, using: str, **_details: Any) -> None:
    """Record which ORDER_PASSWORD_KEY the orders of this database use, unless its tables were removed."""
    table = sender.get_model("OrderPasswordKey")._meta.db_table
    if table in connections[using].introspection.table_names():
        import_string("orders.services.password_keys.record_first_key")()
