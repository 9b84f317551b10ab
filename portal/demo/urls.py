from django.urls import path

from portal.demo import views

app_name = "demo"

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<str:name>/", views.mail, name="mail"),
    path("<str:name>/html/", views.mail_html, name="mail_html"),
]
