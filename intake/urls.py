from django.urls import path

from intake.webhooks import activations, bounces

app_name = "intake"

urlpatterns = [
    path("api/activations/", activations.take, name="activations"),
    path("api/bounces/<slug:provider>/", bounces.take, name="bounces"),
]
