from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Email")

    def ready(self) -> None:
        # Apps register their kinds of email in these modules, in the same way as `admin.py`.
        autodiscover_modules("emails", "follow_ups", "reminders")
