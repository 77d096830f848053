"""Every language says the same things as English, with the same placeholders and links."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.energy_connect.const import DOMAIN

FOLDER = Path(__file__).parents[1] / "custom_components" / DOMAIN / "translations"
LANGUAGES = ("cs", "da", "de", "es", "fi", "fr", "it", "nb", "nl", "pl", "pt", "sv")
# Of each of these a person who reads no English would notice it at once.
SENTENCE = 30

type Words = dict[tuple[str, ...], str]


def words(
    tree: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return every text with the keys that lead to it."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from words(value, (*path, key))
        else:
            yield (*path, key), value


def spoken(language: str) -> Words:
    """Return all texts of a language."""
    return dict(words(json.loads((FOLDER / f"{language}.json").read_text())))


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a text, however often each occurs."""
    return sorted(re.findall(r"{\w+}", text))


ENGLISH = spoken("en")


def test_these_languages_are_there_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_says_all_that_english_says_and_in_the_same_order(language: str) -> None:
    assert list(spoken(language)) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_links_are_those_of_english(language: str) -> None:
    texts = spoken(language)

    assert {key: placeholders(text) for key, text in texts.items()} == {
        key: placeholders(text) for key, text in ENGLISH.items()
    }
    assert {key for key, text in texts.items() if "](" in text} == {
        key for key, text in ENGLISH.items() if "](" in text
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_was_left_in_english(language: str) -> None:
    texts = spoken(language)

    assert [
        key for key, text in ENGLISH.items() if len(text) > SENTENCE and texts[key] == text
    ] == []


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_texts_are_plain(language: str) -> None:
    """No HTML, no address, nothing that Home Assistant's message format takes for a quote."""
    for key, text in spoken(language).items():
        assert text
        assert text == text.strip(), key
        assert not re.search(r"<[a-z/]|://|'[{}]|\s{3,}| {2}", text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_english_word_has_few_translations(language: str) -> None:
    """One thing has one name in a language too, save where English is ambiguous."""
    texts = spoken(language)
    ambiguous = {"Start"}
    names: dict[str, set[str]] = {}
    for key, text in ENGLISH.items():
        names.setdefault(text, set()).add(texts[key])

    assert {name: found for name, found in names.items() if len(found) > 1}.keys() <= ambiguous
