"""Answer templates of the demo. Those that staff have changed are not overwritten."""

from portal.sample_content.text_files import CONTENT, files_by_language, read_text_file
from support.models import AnswerTemplate

ANSWERS_FOLDER = CONTENT / "answers"
# Offered for charge claims only.
ABOUT_CHARGES = ("No order found", "More about a charge")


def load_answer_templates() -> int:
    """Create the templates whose name and language do not exist yet. Returns how many were created."""
    existing = set(AnswerTemplate.objects.values_list("name", "language"))
    new = []
    for language, file in files_by_language(ANSWERS_FOLDER):
        metadata, text = read_text_file(file)
        name = metadata["name"]
        if (name, language) not in existing:
            new.append(AnswerTemplate(name=name, language=language, about=_about(name), text=text.strip()))
    AnswerTemplate.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _about(name: str) -> str:
    return AnswerTemplate.About.CHARGE_CLAIM if name in ABOUT_CHARGES else AnswerTemplate.About.ANY
