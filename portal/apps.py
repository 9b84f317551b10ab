from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth import get_user_model
from django.db import models
from django.utils.module_loading import autodiscover_modules, import_string
from django.utils.translation import gettext_lazy as _

from portal.environment import stop
from portal.translation.own_texts import UnusableTexts, use_own_texts


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        # Checks for `manage.py check` register themselves in a module `checks`.
        autodiscover_modules("checks")
        if settings.TRANSLATIONS_FOLDER:
            _use_own_texts(Path(settings.TRANSLATIONS_FOLDER))
        # These models are Django's own, so their fields can't use our classes. Models can't be imported earlier.
        refuse_card_number = import_string("orders.models.fields.refuse_card_number")
        for model in (get_user_model(), apps.get_model("auth", "Group")):
            for field in model._meta.get_fields():
                if isinstance(field, models.CharField) and field.name != "password":
                    field.validators.append(refuse_card_number)
        if settings.ERROR_EMAILS:  # it uses models, so the settings of the log can't name it
            import_string("portal.watching.error_mail.start_error_mail")()


def _use_own_texts(folder: Path) -> None:
    try:
        use_own_texts(folder)
    except UnusableTexts as error:
        stop(f"TRANSLATIONS_FOLDER: {error}")


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin_site.PortalAdminSite"
