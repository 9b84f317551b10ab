from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Mail")

    def ready(self) -> None:
        # Rooms above register their kinds in `mails.py`, as they register with the admin in `admin.py`; those that
        # are sent by a schedule in `follow_ups.py` and `reminders.py`.
        autodiscover_modules("mails", "follow_ups", "reminders")
