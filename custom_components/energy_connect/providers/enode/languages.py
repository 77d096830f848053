"""The languages of Enode's pages and texts. Source: Enode's OpenAPI document (vendor)."""

from typing import Final

# The first of a language is the one for all who only say the language.
_TEXTS: Final = (
    "en-US",
    "en-GB",
    "da-DK",
    "de-DE",
    "es-ES",
    "fi-FI",
    "fr-FR",
    "ja-JP",
    "lt-LT",
    "lv-LV",
    "nb-NO",
    "nl-NL",
    "nl-BE",
    "pl-PL",
    "pt-PT",
    "ro-RO",
    "sv-SE",
)
_PAGES: Final = (*_TEXTS, "it-IT")
_SAME: Final = {"no": "nb", "nn": "nb"}  # written Norwegian of either kind is read by all


def language_of_pages(language: str) -> str:
    """Return the language of a page that comes nearest; else the page asks the browser."""
    return _nearest(language, _PAGES) or "browser"


def language_of_texts(language: str) -> str:
    """Return the language of a text that comes nearest, English if none does."""
    return _nearest(language, _TEXTS) or "en-US"


def _nearest(language: str, offered: tuple[str, ...]) -> str | None:
    tag = language.replace("_", "-").casefold()
    for one in offered:
        if one.casefold() == tag:
            return one
    spoken = tag.partition("-")[0]
    spoken = _SAME.get(spoken, spoken)
    return next((one for one in offered if one.partition("-")[0] == spoken), None)
