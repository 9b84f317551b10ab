"""Ask for the answers of `manage.py setup` on a terminal."""

from collections.abc import Callable

from orders.models import Store
from portal.first_setup.answers import (
    ABOUT_THE_STORE,
    NEEDED_FOR_A_NEW_STORE,
    QUESTIONS,
    Answers,
    Question,
    WrongAnswer,
)
from portal.first_setup.present import default_of

# Enter accepts their default. The defaults of all others are what is there, so that Enter changes nothing.
PROPOSED = ("store", "articles", "role")


def ask(answers: Answers, say: Callable[[str], object]) -> None:
    """Ask for everything that no flag told, and add it to `answers`. Raises EOFError if there is no one to ask."""
    for question in QUESTIONS:
        told = getattr(answers, question.name)
        if question.is_asked and told in (None, []) and not _is_pointless(question, answers):
            read = _ask_for_all if question.is_repeated else _ask
            setattr(answers, question.name, read(question, answers, say))


def _is_pointless(question: Question, answers: Answers) -> bool:
    """Whether an earlier answer makes the question unnecessary."""
    if question.name in ("staff_email", "role"):
        return not answers.staff
    if question.name in ABOUT_THE_STORE:
        return not answers.store
    return question.name == "hours" and not answers.phone


def _ask(question: Question, answers: Answers, say: Callable[[str], object]) -> object:
    default = default_of(question.name, answers)
    say(f"\n{question.text}")
    prompt = f"  {question.name.replace('_', ' ')}{f' [{default}]' if default else ''}: "
    while True:
        typed = input(prompt).strip()
        if not typed and question.name in PROPOSED:
            typed = default
        if not typed and (default or not _is_needed(question, answers)):
            return None
        if not typed:
            say("  An answer is needed.")
            continue
        try:
            return question.parse(typed)
        except WrongAnswer as error:
            say(f"  {error}")


def _ask_for_all(question: Question, _answers: Answers, say: Callable[[str], object]) -> list[object]:
    say(f"\n{question.text} One at a time; Enter ends the list.")
    found: list[object] = []
    while typed := input(f"  {question.name.replace('_', ' ')}: ").strip():
        try:
            found.append(question.parse(typed))
        except WrongAnswer as error:
            say(f"  {error}")
    return found


def _is_needed(question: Question, answers: Answers) -> bool:
    if question.name == "role":
        return True
    is_new = answers.store is not None and not Store.objects.filter(slug=answers.store).exists()
    return is_new and question.name in NEEDED_FOR_A_NEW_STORE
