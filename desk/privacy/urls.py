"""The pages on which people ask for a copy of their data, or for its erasure."""

from django.urls import URLPattern, path

from desk.privacy import buyer_pages

app_name = "desk"

urlpatterns: list[URLPattern] = [
    path("", buyer_pages.my_data, name="my_data"),
    path("sent/", buyer_pages.sent, name="my_data_sent"),
    path("confirm/<token:token>/", buyer_pages.confirm_request, name="my_data_confirm"),
    path("download/<token:token>/", buyer_pages.download, name="my_data_download"),
]
