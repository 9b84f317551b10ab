from django.urls import URLPattern, path

from licenses.views import downloads, guides

app_name = "licenses"

urlpatterns: list[URLPattern] = [
    path("orders/<uuid:public_id>/download/<int:release_id>/", downloads.download, name="download"),
    path("d/<str:token>/", downloads.installer, name="installer"),
    path("guides/<slug:slug>/", guides.guide, name="guide"),
]
