"""Buyers who click through the portal in their language, and read every page on the way."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from portal.sample_content.help_articles import ARTICLES_FOLDER
from portal.sample_content.text_files import read_text_file
from tests.languages.english import find_english, find_english_words, translate

# What people see and what screen readers say: the title, all texts, also of what is folded, and some attributes.
# Unfolding one of several with the same name folds the others, so each is read while it is open.
# The names of countries and currencies come from Unicode's data, and some are spelled as words in English.
EVERY_TEXT = """() => {
    const lists = [...document.querySelectorAll("select[name=country], select[name=currency]")];
    lists.forEach(one => { one.hidden = true; });
    const details = [...document.querySelectorAll("details")];
    const opened = details.map(one => one.open);
    const texts = [document.title, document.body.innerText];
    details.forEach((one, index) => { one.open = true; if (!opened[index]) texts.push(one.innerText); });
    details.forEach((one, index) => { one.open = opened[index]; });
    lists.forEach(one => { one.hidden = false; });
    for (const name of ["alt", "aria-label", "placeholder", "title"]) {
        texts.push(...[...document.querySelectorAll(`[${name}]`)].map(one => one.getAttribute(name)));
    }
    return texts.join("\\n");
}"""
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def article_title(slug: str, language: str) -> str:
    """Return the title of a help article of the demo."""
    return read_text_file(ARTICLES_FOLDER / language / f"{slug}.md")[0]["title"]


def article_summary(slug: str, language: str) -> str:
    """Return the summary of a help article of the demo."""
    return read_text_file(ARTICLES_FOLDER / language / f"{slug}.md")[0]["summary"]


@dataclass
class Buyer:
    """Somebody with a phone, whose clicks are counted, and who understands only one language."""

    page: Page
    language: str
    clicks: int = 0

    def finds(self, english: str, count: int | None = None) -> re.Pattern[str]:
        """Return a pattern of a text of the portal in the buyer's language. Placeholders stand for any text.

        A `count` chooses the singular or the plural, and is what the placeholders stand for.
        """
        text = translate(english, self.language, count)
        parts = PLACEHOLDER.split(text if count is None else PLACEHOLDER.sub(str(count), text))
        spaced = (r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)) for part in parts)
        return re.compile(".+".join(spaced), re.IGNORECASE)

    def click(self, english: str, within: str = "body") -> None:
        """Select a link, a button or what unfolds, by the text of the portal that names it."""
        self.click_named(self.finds(english), within)

    def click_article(self, slug: str) -> None:
        """Select the link to a help article of the demo."""
        self.click_named(article_title(slug, self.language), within="main")

    def click_named(self, name: str | re.Pattern[str], within: str) -> None:
        place = self.page.locator(within)
        found = place.get_by_role("link", name=name).or_(place.get_by_role("button", name=name))
        found = found.or_(place.locator("summary", has_text=name))
        found.locator("visible=true").first.click()
        self.clicks += 1
        self.reads_no_english()

    def sees(self, english: str, count: int | None = None) -> None:
        """Check that a text of the portal is visible."""
        self.sees_text(self.finds(english, count))

    def sees_text(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main").get_by_text(words).locator("visible=true").first).to_be_visible()

    def reads_no_english(self) -> None:
        """Check everything that the page says, unless the buyer reads English."""
        self.page.wait_for_load_state()
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)
        if self.language != "en":
            text = self.page.evaluate(EVERY_TEXT)
            found = find_english(text, self.language) + find_english_words(text, self.language)
            assert not found, f"{self.page.url} says in English: {found}"
