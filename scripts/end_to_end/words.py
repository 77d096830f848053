"""Words that no person should see: keys of translations, placeholders that nobody filled."""

from collections.abc import Iterable, Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

from custom_components.energy_connect.const import DOMAIN

_TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / DOMAIN / "translations/en.json"
_CATEGORIES = (
    "application_credentials|config|config_subentries|device|entity|exceptions|issues|options|"
    "selector|services"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"component\.{DOMAIN}\b[\w.]*",
        # A path within the translations, such as config.step.user.
        rf"(?<![\w./:-])(?:{_CATEGORIES})\.[a-z_]+(?:\.[a-z_]+)+",
        r"\{[a-z][a-z_]*\}",
        r"\[object Object\]",
        # What the frontend shows in the place of a text that it can't format.
        r"Translation error:[^\n]*|MISSING_VALUE",
    )
)
# Entity ids, ids of statistics, addresses and files have such words in them, and may.
_SNAKE = re.compile(r"(?<![\w.:/@-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w:/@-]|\.\w)")


def keys(translations: Mapping[str, Any]) -> Iterator[str]:
    """Yield every key of the translations that is made of several words."""
    for key, value in translations.items():
        if "_" in key:
            yield key
        if isinstance(value, Mapping):
            yield from keys(value)


OURS = frozenset(keys(json.loads(_TRANSLATIONS.read_text())))


def leaks(texts: Iterable[str], ours: frozenset[str] = OURS) -> list[str]:
    """Return what shows through in the texts, each once, in the order of its first appearance."""
    found: dict[str, None] = {}
    for text in texts:
        for pattern in _PATTERNS:
            found |= dict.fromkeys(pattern.findall(text))
        found |= dict.fromkeys(word for word in _SNAKE.findall(text) if word in ours)
    return list(found)
