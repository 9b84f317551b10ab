from django.urls import path

from files import views

app_name = "files"
urlpatterns = [path("<uuid:upload_id>/", views.download, name="download")]
