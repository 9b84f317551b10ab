"""One indexed query in raw SQL, and a page of 6 KB."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

PAGE_BYTES = 6 * 1024
_FILLING = "x" * PAGE_BYTES


def show(request: HttpRequest, public_id: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, total, currency, status FROM orders_order WHERE public_id = %s", [public_id])
        number, total, currency, status = cursor.fetchone()
    page = f"<!doctype html><title>{number}</title><p>{total} {currency}, {status}</p>"
    body = (page + _FILLING[len(page) :]).encode()
    # Without middleware, no Content-Length is set, and the server would send chunks.
    return HttpResponse(body, headers={"Content-Length": str(len(body))})


urlpatterns = [path("<uuid:public_id>/", show)]
