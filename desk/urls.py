"""The desk's pages. The admin site includes them, below its own URL and under its own policy."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from desk import views
from desk.search.views import search_page


def admin_urls(site: AdminSite) -> list[URLPattern]:
    wrap = site.admin_view
    return [
        path("desk/search/", wrap(search_page), name="desk_search"),
        path("desk/person/<str:key>/", wrap(views.person_page), name="desk_person"),
        path("desk/person/<str:key>/<slug:tab>/", wrap(views.person_list), name="desk_person_list"),
        path("desk/email/<int:pk>/", wrap(views.email_page), name="desk_email"),
        path("desk/reports/", wrap(views.reports_page), name="desk_reports"),
        path("desk/export/<slug:app_label>/<slug:model_name>/", wrap(views.export_list), name="desk_export"),
    ]
