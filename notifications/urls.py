from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("follow-ups/<str:token>/", views.follow_ups, name="follow_ups"),
]
