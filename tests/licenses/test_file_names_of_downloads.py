"""A download is saved under any name, and no part of the name becomes a header."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from licenses.download_links import content_disposition
from tests.licenses.installers import bought, link_to


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Setup.exe", 'attachment; filename="Setup.exe"'),
        ("My Setup (1).exe", 'attachment; filename="My Setup (1).exe"'),
        ("Größe.dmg", "attachment; filename=\"Gr__e.dmg\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.dmg"),
        ('a"b\\c.exe', 'attachment; filename="c.exe"'),
        ('a"b.exe', "attachment; filename=\"a_b.exe\"; filename*=UTF-8''a%22b.exe"),
        ("100%.exe", "attachment; filename=\"100_.exe\"; filename*=UTF-8''100%25.exe"),
        ("a'b*.exe", "attachment; filename=\"a'b_.exe\"; filename*=UTF-8''a%27b%2A.exe"),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        (
            "x\r\nSet-Cookie: a=b",
            "attachment; filename=\"x Set-Cookie_ a=b\"; filename*=UTF-8''x%20Set-Cookie%3A%20a%3Db",
        ),
        (
            "ウイルス.exe",
            "attachment; filename=\"____.exe\"; filename*=UTF-8''%E3%82%A6%E3%82%A4%E3%83%AB%E3%82%B9.exe",
        ),
        ("", 'attachment; filename="download"'),
    ],
)
def test_content_disposition_of_file_names(name: str, header: str) -> None:
    assert content_disposition(name) == header


@given(some.text(max_size=300))
def test_no_name_breaks_out(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.startswith('attachment; filename="')


@pytest.mark.django_db
def test_a_hostile_name_in_the_database_is_only_a_name() -> None:
    order, release = bought()
    release.file_name = 'evil".exe\r\nX-Injected: yes\r\n\r\n<script>'
    release.save()
    answer = Client().get(link_to(order, release))
    assert answer.status_code == 200
    assert "X-Injected" not in answer.headers
    assert "\n" not in answer["Content-Disposition"]
