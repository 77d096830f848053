"""What an owner could do to unlock more of a device, in Enode's words.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor); the texts are Markdown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
import re
from typing import Any, Final

from ...core.clock import Clock
from ...core.errors import ApiError, Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.payload import Json, dig, identifier, text
from ...core.rota import Rota
from .languages import language_of_texts

_DAY: Final = 24 * 3600.0
_POLL: Final = 300.0
_BREAK: Final = re.compile(r"\s*<br\s*/?>\s*|\s*\n\s*", re.IGNORECASE)
_MOST_PARAGRAPHS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """One thing to do; `of_login` if it is about the whole login at the maker, not one device.

    `link` says that it is done by linking again.
    """

    id: str
    title: str
    description: str
    of_login: bool
    link: bool


def parse_intervention(body: Json) -> Intervention | None:
    """Return an intervention; None without an id or a title."""
    found = identifier(dig(body, "id"))
    title = text(dig(body, "resolution", "title"))
    if found is None or title is None:
        return None
    said = dig(body, "resolution", "description")
    return Intervention(
        id=found,
        title=title,
        description=_paragraphs(said) if isinstance(said, str) else title,
        of_login=dig(body, "domain") == "Account",
        link=dig(body, "resolution", "action") == "Link",
    )


def _paragraphs(said: str) -> str:
    """Return a text with its lines as paragraphs, each fit to be shown."""
    lines = (text(line) for line in _BREAK.split(said))
    return "\n\n".join([line for line in lines if line is not None][:_MOST_PARAGRAPHS])


class Interventions:
    """The texts of the interventions that devices name; each is asked for once a day."""

    def __init__(self, client: ApiClient, clock: Clock, language: str) -> None:
        """Know no text yet; `language` is Home Assistant's."""
        self._client = client
        self._language = language_of_texts(language)
        self._rota = Rota(clock, _DAY, tick=_POLL)
        self._known: dict[str, Intervention] = {}
        self._failed: Reason | None = None

    @property
    def told(self) -> tuple[Intervention, ...]:
        """All texts that are known."""
        return tuple(self._known.values())

    def get(self, intervention_id: str) -> Intervention | None:
        """Return the text; None if it is not known."""
        return self._known.get(intervention_id)

    async def refresh(self, named: Iterable[str]) -> list[ApiError]:
        """Read the texts that are due of those that devices name; return what failed.

        Raises:
            CredentialsRejected: so for all.

        """
        ids = set(named)
        self._known = {key: one for key, one in self._known.items() if key in ids}
        self._rota.sync(sorted(ids))
        turn = await self._rota.run(self._fetch)
        self._failed = turn.failures[0].reason if turn.failures else None
        return list(turn.failures)

    async def _fetch(self, intervention_id: str) -> None:
        """Read one text; one that is not found is forgotten."""
        self._known.pop(intervention_id, None)
        try:
            response = await self._client.get(
                "interventions", intervention_id, params=[("language", self._language)]
            )
        except UnexpectedResponse as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return
        found = parse_intervention(response.json())
        if found is None:
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        self._known[intervention_id] = found

    def diagnostics(self) -> dict[str, Any]:
        """Return counts."""
        return {"known": len(self._known), "failed": self._failed}
