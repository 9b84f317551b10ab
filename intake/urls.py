from django.urls import path

from intake.webhooks import activations

app_name = "intake"

urlpatterns = [
    path("api/activations/", activations.take, name="activations"),
]
