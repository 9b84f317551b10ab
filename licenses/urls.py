from django.urls import URLPattern, path

from licenses.views import devices, downloads, guides, public_downloads, serials

app_name = "licenses"

urlpatterns: list[URLPattern] = [
    path("licenses/", devices.licenses, name="list"),
    path("licenses/devices/<int:device_id>/release/", devices.release_device, name="release_device"),
    path("licenses/devices/<int:device_id>/undo/", devices.undo_release, name="undo_release"),
    path("downloads/", serials.downloads, name="downloads"),
    path("downloads/<int:release_id>/", public_downloads.public_download, name="public_download"),
    path("orders/<uuid:public_id>/download/<int:release_id>/", downloads.download, name="download"),
    path("d/<token:token>/", downloads.installer, name="installer"),
    path("d/public/<token:token>/", public_downloads.public_installer, name="public_installer"),
    path("guides/<slug:slug>/", guides.guide, name="guide"),
]
