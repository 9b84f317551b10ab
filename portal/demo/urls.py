from django.urls import path

from portal.demo import views

app_name = "demo"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<str:file_name>/", views.email, name="email"),
    path("<str:file_name>/html/", views.email_html, name="email_html"),
]
