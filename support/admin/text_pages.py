"""The admin's page with the texts of an article in all languages side by side, and the preview of unsaved texts."""

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from cases.refusals import NotPossible
from orders.http import UNPROCESSABLE
from support.article_texts import TEXT_FIELDS, ArticleText, LanguageState, TextState, load_states, normalize
from support.models import Article, ArticleVersion
from support.services import publishing
from support.services.publishing import TextChanged
from support.views.help_pages import read_only, render_preview

BODY_ROWS = 18
TOKEN = re.compile(r"[0-9]{1,18}-([0-9]{1,18})-[0-9]{1,18}")
ISO_MINUTE = "%Y-%m-%dT%H:%M"
DRAFT, NOW, LATER = "draft", "now", "later"


class TextForm(forms.ModelForm):
    """The text of one language, and when to publish it."""

    # Without validation, because nobody types them. An unknown token counts as an outdated one.
    token = forms.Field(required=False, widget=forms.HiddenInput)
    was = forms.Field(required=False, widget=forms.HiddenInput)  # the publication when the page was loaded
    publish = forms.ChoiceField(
        label=_("Publication"),
        choices=[(DRAFT, _("Keep as draft")), (NOW, _("Publish now")), (LATER, _("Publish at this time:"))],
        widget=UnfoldAdminSelectWidget,
    )
    publish_at = forms.DateTimeField(
        label=_("Time"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )

    class Meta:
        model = ArticleVersion
        fields = ["title", "summary", "keywords", "body"]
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "summary": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "keywords": UnfoldAdminTextInputWidget,
            "body": UnfoldAdminTextareaWidget(attrs={"rows": BODY_ROWS}),
        }

    def __init__(self, state: LanguageState, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, prefix=state.language, initial=initial_values(state) | (initial or {}))
        zone = timezone.get_current_timezone_name()
        self.fields["publish_at"].help_text = _("Time zone: %(zone)s") % {"zone": zone}

    def text(self) -> ArticleText:
        return ArticleText(*(normalize(self.cleaned_data[name]) for name in TEXT_FIELDS))

    def has_same_publication(self) -> bool:
        """Whether the choice is the one that was on the page when it was loaded."""
        typed = self.data.get(self.add_prefix("publish_at"), "")
        return bool(self.cleaned_data["was"] == _publication(self.cleaned_data["publish"], typed))

    def publication_time(self, now: datetime) -> datetime | None:
        """The chosen time of a valid form; None for a draft."""
        if self.cleaned_data["publish"] == NOW:
            return now
        chosen: datetime | None = self.cleaned_data["publish_at"]
        return chosen if self.cleaned_data["publish"] == LATER else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("publish") == LATER and "publish_at" in data:
            chosen = data["publish_at"]
            if chosen is None:
                self.add_error("publish_at", ValidationError(_("Enter when to publish it.")))
            elif chosen <= timezone.now():
                self.add_error("publish_at", ValidationError(_("This time has passed. Enter a later one.")))
        return data


def initial_values(state: LanguageState) -> dict[str, Any]:
    values: dict[str, Any] = {"token": state.token, "publish": DRAFT}
    if state.current is not None:
        values |= {name: getattr(state.current, name) for name in TEXT_FIELDS}
    if state.state == TextState.SCHEDULED and state.current is not None and state.current.publish_at is not None:
        local = timezone.localtime(state.current.publish_at)
        values |= {"publish": LATER, "publish_at": local.strftime(ISO_MINUTE)}
    values["was"] = _publication(values["publish"], values.get("publish_at", ""))
    return values


def _publication(choice: str, time: str) -> str:
    return f"{choice} {time}" if choice == LATER else choice


@dataclass
class Card:
    """One language on the page. Without a form, its text is missing, or the reader may not write."""

    state: LanguageState
    form: TextForm | None
    theirs: ArticleVersion | None = None  # what a colleague has saved in the meantime

    @property
    def name(self) -> str:
        return str(get_language_info(self.state.language)["name_translated"])

    @property
    def can_discard(self) -> bool:
        return self.form is not None and self.state.is_open


class TextPagesMixin(ModelAdmin):
    """For the admin of articles."""

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:pk>/texts/", wrapped(self.texts), name="support_article_texts"),
            path("<int:pk>/preview/", wrapped(self.preview), name="support_article_preview"),
            *super().get_urls(),
        ]

    def texts(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show all languages side by side. A POST saves, starts or discards; see the buttons of the template."""
        if not request.user.has_perm("support.view_articleversion"):
            raise PermissionDenied
        if request.method == "POST" and not self.can_write(request):
            raise PermissionDenied
        article = self._find_article(pk)
        if request.method != "POST":
            return self._render(request, article, self._saved_cards(request, article))
        if "discard" in request.POST:
            return self._discard(request, article)
        if "start" in request.POST or "start_empty" in request.POST:
            return self._render(request, article, list(self._started_cards(request, article)))
        return self._save(request, article)

    @read_only
    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the submitted text of one language as buyers would see it. Saves nothing."""
        if not self.can_write(request):
            raise PermissionDenied
        article = self._find_article(pk)
        language = request.POST.get("preview", "")
        if language not in dict(settings.LANGUAGES):
            return HttpResponseRedirect(self._texts_url(article))
        typed = {name: request.POST.get(f"{language}-{name}", "").replace("\0", "") for name in TEXT_FIELDS}
        version: Any = ArticleVersion(article=article, language=language, publish_at=timezone.now(), **typed)
        version.product_names = list(article.products.order_by("name").values_list("name", flat=True))
        return render_preview(request, version)

    def can_write(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("support.add_articleversion"))

    def _find_article(self, pk: int) -> Article:
        article = Article.objects.filter(pk=pk).first()
        if article is None:
            raise Http404
        return article

    def _texts_url(self, article: Article) -> str:
        return reverse("admin:support_article_texts", args=[article.pk])

    # --- Cards ---

    def _saved_cards(self, request: HttpRequest, article: Article) -> list[Card]:
        may_write = self.can_write(request)
        return [
            Card(state, TextForm(state) if may_write and state.current is not None else None)
            for state in load_states(article, timezone.now()).values()
        ]

    def _started_cards(self, request: HttpRequest, article: Article) -> Iterator[Card]:
        """The cards with what was typed so far, and one more with the text of the default language, or empty."""
        started = request.POST.get("start", "") or request.POST.get("start_empty", "")
        states = load_states(article, timezone.now())
        for code, state in states.items():
            typed = _typed(request, code)
            if typed is None and code == started:
                typed = {"token": state.token}
                if "start" in request.POST:
                    typed |= _text_of(_typed(request, settings.LANGUAGE_CODE), states[settings.LANGUAGE_CODE])
            has_form = typed is not None or state.current is not None
            yield Card(state, TextForm(state, initial=typed) if has_form else None)

    # --- Changes ---

    def _save(self, request: HttpRequest, article: Article) -> HttpResponse:
        """Save the languages whose text or publication was changed, each on its own."""
        cards: list[Card] = []
        saved: list[str] = []
        for code, state in load_states(article, timezone.now()).items():
            typed = _typed(request, code)
            is_empty = typed is None or not any(typed[name].strip() for name in TEXT_FIELDS)
            if is_empty and (typed is None or state.current is None):  # also one that was started and left empty
                cards.append(Card(state, None))
                continue
            form = TextForm(state, request.POST)
            card = Card(state, form)
            cards.append(card)
            if form.is_valid() and not self._is_untouched(article, form):
                self._save_card(request, article, card, saved)
            elif form.is_valid():
                card.form = TextForm(state)  # if a colleague has saved it, the editor sees the newer text
        if saved:
            messages.success(request, gettext("Saved: %(languages)s.") % {"languages": ", ".join(saved)})
        has_errors = any(card.form is not None and card.form.errors for card in cards)
        if has_errors:
            messages.error(request, gettext("Some texts weren’t saved. See the messages next to them."))
            return self._render(request, article, cards, status=UNPROCESSABLE)
        if not saved:
            messages.info(request, gettext("Nothing has changed."))
        return HttpResponseRedirect(self._texts_url(article))

    def _save_card(self, request: HttpRequest, article: Article, card: Card, saved: list[str]) -> None:
        """Save one language. If a colleague was faster, the card shows both texts."""
        assert card.form is not None
        assert isinstance(request.user, User)
        now = timezone.now()
        form, language = card.form, card.state.language
        publish_at = form.publication_time(now)
        try:
            version = publishing.save_text(
                article, language, form.text(), publish_at, request.user, form.cleaned_data["token"], now
            )
        except TextChanged as refusal:
            card.state, card.theirs = refusal.state, refusal.state.current
            form.add_error(None, str(refusal))
            data: Any = copy(form.data)  # a copy of a QueryDict can be changed
            data[form.add_prefix("token")] = refusal.state.token  # the editor has seen it when saving again
            form.data = data
            return
        if version is not None:
            saved.append(card.name)
            what = (
                gettext("Published") if publish_at == now else gettext("Scheduled") if publish_at else gettext("Draft")
            )
            self.log_change(request, article, f"{card.name}: {what}")
        card.state = load_states(article, timezone.now())[language]
        card.form = TextForm(card.state)

    def _is_untouched(self, article: Article, form: TextForm) -> bool:
        """Whether the editor has left the text, and when to publish it, as they were when the page was loaded."""
        found = TOKEN.fullmatch(form.cleaned_data["token"])
        loaded_id = int(found[1]) if found else 0
        if not loaded_id or not form.has_same_publication():
            return False
        loaded = ArticleVersion.objects.without_search().filter(article=article, pk=loaded_id).first()
        return loaded is not None and ArticleText.of(loaded) == form.text()

    def _discard(self, request: HttpRequest, article: Article) -> HttpResponse:
        language = request.POST["discard"]
        if language in dict(settings.LANGUAGES):
            try:
                token = request.POST.get(f"{language}-token", "")
                publishing.discard_draft(article, language, token, timezone.now())
            except NotPossible as refusal:
                messages.error(request, str(refusal))
            else:
                self.log_change(request, article, gettext("Draft discarded: %(language)s") % {"language": language})
                messages.success(request, gettext("The draft was discarded. It’s still in the history."))
        return HttpResponseRedirect(self._texts_url(article))

    # --- The page ---

    def _render(self, request: HttpRequest, article: Article, cards: list[Card], status: int = 200) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": gettext("Texts: %(article)s") % {"article": article},
            "opts": self.opts,
            "article": article,
            "cards": cards,
            "may_write": self.can_write(request),
            "default_language": settings.LANGUAGE_CODE,
            "default_language_name": get_language_info(settings.LANGUAGE_CODE)["name_translated"],
            "preview_url": reverse("admin:support_article_preview", args=[article.pk]),
        }
        return TemplateResponse(request, "support/admin/article_texts.html", context, status=status)


def _typed(request: HttpRequest, language: str) -> dict[str, Any] | None:
    """What was submitted for a language; None if its card had no form."""
    if f"{language}-token" not in request.POST:
        return None
    names = (*TEXT_FIELDS, "token", "was", "publish", "publish_at")
    return {name: request.POST.get(f"{language}-{name}", "").replace("\0", "") for name in names}


def _text_of(typed: dict[str, Any] | None, state: LanguageState) -> dict[str, Any]:
    """The text that a translation starts from: what is typed, otherwise what is stored."""
    if typed is not None:
        return {name: typed[name] for name in TEXT_FIELDS}
    return {name: getattr(state.current, name) for name in TEXT_FIELDS} if state.current is not None else {}
