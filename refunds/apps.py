from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from refunds.reasons import make_first_reasons


class RefundsConfig(AppConfig):
    name = "refunds"
    verbose_name = _("Returns and refunds")

    def ready(self) -> None:
        post_migrate.connect(make_first_reasons, sender=self)
