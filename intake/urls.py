from django.urls import path

from intake.webhooks import activations, bounces

app_name = "intake"

urlpatterns = [
    path("api/activations/", activations.receive_activations, name="activations"),
    path("api/bounces/<slug:provider>/", bounces.receive_bounces, name="bounces"),
]
