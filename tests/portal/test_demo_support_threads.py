"""The demo starts with threads whose orders the charge finder finds."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.demo import orders, support_threads
from portal.demo.content_loading import create_vendor, ensure_agent
from portal.sample_content import answer_templates
from support import charge_finder
from support.models import AnswerTemplate, ChargeClaim, Thread

pytestmark = pytest.mark.django_db


def test_claims_have_candidates_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    create_vendor()
    orders.write_orders_file(tmp_path / "orders.jsonl", timezone.now())
    call_command("import_orders", str(tmp_path / "orders.jsonl"))
    for _start in range(2):
        support_threads.create_threads(ensure_agent())
    claims = list(ChargeClaim.objects.select_related("thread"))
    assert len(claims) == 3
    assert all(charge_finder.find_candidates(claim)[0].score >= 60 for claim in claims)
    assert set(Thread.objects.values_list("status", flat=True)) == {"waiting", "question_asked", "answered"}
    assert AnswerTemplate.objects.filter(language="de").count() == AnswerTemplate.objects.filter(language="en").count()


def test_a_changed_answer_template_is_not_overwritten() -> None:
    answer_templates.load_answer_templates()
    AnswerTemplate.objects.filter(name="Installer").update(text="Ours.")
    assert answer_templates.load_answer_templates() == 0
    assert set(AnswerTemplate.objects.filter(name="Installer").values_list("text", flat=True)) == {"Ours."}
