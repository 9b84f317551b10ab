"""The trial begins with letters to work on, whose orders the finder finds."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.demo import letters, orders
from portal.demo.loading import ensure_agent, make_vendor
from support import finder
from support.models import AnswerTemplate, ChargeClaim, Thread

pytestmark = pytest.mark.django_db


def test_claims_can_be_matched_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    make_vendor()
    orders.write(tmp_path / "orders.jsonl", timezone.now())
    call_command("import_orders", str(tmp_path / "orders.jsonl"))
    for _start in range(2):
        letters.make_letters(ensure_agent())
    claims = list(ChargeClaim.objects.select_related("thread"))
    assert len(claims) == 3
    assert all(finder.candidates(claim)[0].score >= 60 for claim in claims)
    assert set(Thread.objects.values_list("status", flat=True)) == {"waiting", "question_asked", "answered"}
    assert AnswerTemplate.objects.filter(language="de").count() == AnswerTemplate.objects.filter(language="en").count()


def test_an_answer_that_staff_changed_stays_changed() -> None:
    letters.answers.load()
    AnswerTemplate.objects.filter(name="Installer").update(text="Ours.")
    assert letters.answers.load() == 0
    assert set(AnswerTemplate.objects.filter(name="Installer").values_list("text", flat=True)) == {"Ours."}
