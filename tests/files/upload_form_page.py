"""A page with a form that accepts files. Tests use it with `pytest.mark.urls`."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from files.forms import MultipleUploadField, SingleUploadField
from files.services import store_files
from files.upload_limits import receives_files
from portal.urls import urlpatterns as portal_urls

PAGE = """{% extends "base.html" %}{% load crispy_forms_tags %}
{% block title %}Charge claim{% endblock %}
{% block content %}<h1>Charge claim</h1>
{% for field in form %}
{% for error in field.errors %}<p><a href="#{{ field.id_for_label }}">{{ error }}</a></p>{% endfor %}
{% endfor %}
<div class="sheet">{% crispy form %}</div>{% endblock %}"""


class ClaimForm(forms.Form):
    message = forms.CharField(label="What happened")
    proof = MultipleUploadField(label="Receipts or bank statements", help_text="Black out what is nobody's business.")
    photo = SingleUploadField(label="One more photo", required=False)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.attrs = {"novalidate": ""}
        helper.add_input(Submit("send", "Send"))
        return helper


@receives_files(lambda request: None)
def claim(request: HttpRequest) -> HttpResponse:
    form = ClaimForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        photo = form.cleaned_data["photo"]
        uploads = store_files([*form.cleaned_data["proof"], *([photo] if photo else [])], client=None)
        return HttpResponse(" ".join(upload.name for upload in uploads))
    page = engines["django"].from_string(PAGE)
    return HttpResponse(page.render({"form": form}, request), status=422 if form.is_bound else 200)


urlpatterns = [path("claim/", claim), *portal_urls]
