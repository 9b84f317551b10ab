from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from refunds.default_reasons import create_default_reasons


class RefundsConfig(AppConfig):
    name = "refunds"
    verbose_name = _("Returns and refunds")

    def ready(self) -> None:
        post_migrate.connect(create_default_reasons, sender=self)
        import_module("refunds.signals")  # models can be imported from now on
