from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "desk"
    verbose_name = _("Desk")

    def ready(self) -> None:
        # Models can't be imported earlier.
        user_logged_in.connect(import_string("desk.staff_sessions.remember_login"))
        user_logged_out.connect(import_string("desk.staff_sessions.forget_session"))
