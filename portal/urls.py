"""The URL configuration: each app has its own `urls`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

handler500 = "portal.views.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("demo/inbox/", include("portal.demo.urls")),
    path("files/", include("files.urls")),
    path("mail/", include("notifications.urls")),
    path("my-data/", include("desk.privacy.urls")),
    path("", include("intake.urls")),
    path("", include("support.urls")),
    path("", include("refunds.urls")),
    path("", include("licenses.urls")),
    path("", include("orders.urls")),
]
