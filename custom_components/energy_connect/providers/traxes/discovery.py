"""Which devices there are: the weakest point of the interface, hence three ways to find out.

1. `/v1/entities` (path assumed: all that is documented lies below it).
2. Where that does not exist: `/v1/onboarding/entities` (vendor), which probably shows only what
   this application connected itself, and may want filters by type, or by type and brand.
3. Ids that a person entered in the options. They are always read.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
import logging
from typing import Final

from ...core.errors import ApiError, CredentialsRejected, NotPermitted, Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.payload import Json
from .lists import ListReader, NoList
from .parse import ENTITY_TYPES, Entity, parse_entity, parse_offers, parse_onboarding

_LOGGER = logging.getLogger(__name__)

type EachPage = Callable[[list[Json]], None]

_NO_SUCH_LIST: Final = frozenset({404, 405})
_NOT_DESCRIBED: Final = frozenset({400, 403, 404, 405})
_REFUSALS: Final = (NotPermitted, UnexpectedResponse)
_MOST_FILTERED: Final = 40
TYPES_PATH: Final = ("v1", "onboarding", "types", "entities")
_ENTITIES: Final = ("v1", "entities")
_ONBOARDING: Final = ("v1", "onboarding", "entities")


class Route(StrEnum):
    """By which way devices were found."""

    NONE = "none"
    ENTITIES = "entities"
    ONBOARDING = "onboarding"
    ENTERED = "entered"


class Discovery:
    """The devices of one account, and how they were found.

    `route` names the way that worked. `authoritative` is whether the last reading can tell that a
    device is gone; `settled`, whether nothing is left that asking again soon could bring.
    """

    def __init__(self, client: ApiClient, lists: ListReader, entered: tuple[str, ...]) -> None:
        """Know nothing yet; `entered` are the UUIDs of the options."""
        self._client = client
        self._lists = lists
        self._entered = entered
        self._found: dict[str, Entity] = {}
        self._described: dict[str, Entity] = {}
        self._entities: Mapping[str, Entity] | None = None
        self._offers: dict[str, tuple[str, ...]] = {}
        self._listed_before = False
        self.route = Route.NONE
        self.authoritative = False
        self.settled = False
        self.malformed = 0

    @property
    def entities(self) -> Mapping[str, Entity]:
        """All devices by id: those of the lists and those of the options.

        The same object until a list is read: it is asked for with each request.
        """
        if self._entities is None:
            self._entities = {**self._described, **self._found}
        return self._entities

    @property
    def offered_types(self) -> list[str]:
        """The types that could be connected, as far as they were asked for."""
        return sorted(self._offers)

    async def read(self) -> None:
        """Find the devices anew. What was found before stays unless a complete list lacks it.

        Cancelling it loses nothing that was found by then.

        Raises:
            NotPermitted: the application may not use this interface, and no ids were entered.
            ApiError: a list could not be read.

        """
        self.authoritative = self.settled = False
        now: dict[str, Entity] = {}

        def take(entity: Entity) -> None:
            before = self._found.get(entity.id)
            # The same object for the same content: comparing devices costs nothing then.
            kept = before if before is not None and before == entity else entity
            self._found[entity.id] = now.setdefault(entity.id, kept)
            self._entities = None

        whole = await self._read_lists(take)
        # The second list knows fewer devices: it can't say that one of the first is gone.
        authoritative = whole and (
            self.route is Route.ENTITIES
            or (self.route is Route.ONBOARDING and not self._listed_before)
        )
        if authoritative:
            self._found = now
            self._entities = None
        described = await self._describe_entered()
        self.authoritative = authoritative
        self.settled = whole and described

    async def _read_lists(self, take: Callable[[Entity], None]) -> bool:
        """Read the first list that there is; returns whether it was read to its end."""

        def entities(page: list[Json]) -> None:
            for row in page:
                if (entity := parse_entity(row)) is None:
                    self._count_malformed()
                else:
                    take(entity)

        def onboarding(page: list[Json]) -> None:
            for entity in map(parse_onboarding, page):
                if entity is not None:
                    take(entity)

        try:
            whole = await self._lists.rows(*_ENTITIES, each=entities)
        except NotPermitted as error:
            if not self._entered:
                raise NotPermitted(
                    Reason.APPLICATION_NOT_ALLOWED, status=error.status, detail=error.detail
                ) from error
            self.route = Route.ENTERED
            return True
        except UnexpectedResponse as error:
            if not _is_no_list(error):
                raise
        else:
            self.route, self._listed_before = Route.ENTITIES, True
            return whole
        try:
            whole = await self._read_onboarding(onboarding)
        except (NotPermitted, UnexpectedResponse) as error:
            if not isinstance(error, NotPermitted) and not _is_no_list(error):
                raise
            self.route = Route.ENTERED
            return not isinstance(error, NoList)
        self.route = Route.ONBOARDING
        return whole

    def _count_malformed(self) -> None:
        if not self.malformed:
            _LOGGER.warning("Traxes lists a device without an id; it is left out")
        self.malformed += 1

    async def _read_onboarding(self, each: EachPage) -> bool:
        """Read the requests to connect devices; where that is refused, with filters."""
        whole = await self._onboarding(each)
        return await self._read_filtered(each) if whole is None else whole

    async def _read_filtered(self, each: EachPage) -> bool:
        """Ask once per type, or, for types where that is refused, per type and brand."""
        answers = {one: await self._onboarding(each, type=one) for one in ENTITY_TYPES}
        whole = False not in answers.values()
        refused = [one for one, answer in answers.items() if answer is None]
        if not refused:
            return whole
        brands = await self._brands()
        pairs = [(one, brand) for one in refused for brand in brands.get(one, ())]
        left = _MOST_FILTERED - len(ENTITY_TYPES)
        for entity_type, brand in pairs[:left]:
            answer = await self._onboarding(each, type=entity_type, brand=brand)
            whole = whole and answer is True
        return whole and len(pairs) <= left

    async def _onboarding(self, each: EachPage, **filters: str) -> bool | None:
        """Read the list with filters (their names are assumed), None if they are refused."""
        try:
            return await self._lists.rows(*_ONBOARDING, params=list(filters.items()), each=each)
        except UnexpectedResponse as error:
            if error.status != 400:
                raise
            return None

    async def _brands(self) -> dict[str, tuple[str, ...]]:
        if not self._offers:
            response = await self._client.get(*TYPES_PATH)
            self._offers = {offer.type: offer.brands for offer in parse_offers(response.json())}
        return self._offers

    async def _describe_entered(self) -> bool:
        """Ask for the type and name of entered devices that no list names (path assumed).

        Returns whether all were told, or refused for good. While the answer fails for a passing
        reason the device waits: its type decides what it is, and that must not change.
        """
        told = True
        for entity_id in self._entered:
            if entity_id not in self._found:
                told = await self._describe(entity_id) and told
        return told

    async def _describe(self, entity_id: str) -> bool:
        unknown = self._described.get(entity_id, Entity(id=entity_id))
        try:
            response = await self._client.get(*_ENTITIES, entity_id)
            described = parse_entity(response.json())
        except CredentialsRejected:
            raise
        except ApiError as error:
            if error.status not in _NOT_DESCRIBED or not isinstance(error, _REFUSALS):
                return False
            described = None
        fits = described is not None and described.id == entity_id
        self._entities = None
        self._described[entity_id] = described if described is not None and fits else unknown
        return True


def _is_no_list(error: UnexpectedResponse) -> bool:
    return isinstance(error, NoList) or error.status in _NO_SUCH_LIST
