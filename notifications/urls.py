from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("follow-ups/<token:token>/", views.follow_ups, name="follow_ups"),
]
