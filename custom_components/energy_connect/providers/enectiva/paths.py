"""What names a meter in a path: its id, or one of its identifications."""

from collections.abc import Awaitable, Callable
from typing import Final

from ...core.errors import UnexpectedResponse
from ...core.response import Response
from .parse import Meter

_ID: Final = "id"


class Paths:
    """Remembers which attribute of a meter the API takes for its `{meterIdentification}`.

    The vendor does not say. The id is tried first, the others after a 404 (assumed); what worked
    for one meter is tried first for the next one.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, str] = {}
        self._usual = _ID

    @property
    def usual(self) -> str:
        """The name of the attribute that worked last."""
        return self._usual

    async def ask(self, meter: Meter, send: Callable[[str], Awaitable[Response]]) -> Response:
        """Send with one identification after the other until one is not answered 404.

        Raises:
            UnexpectedResponse: 404 for all of them.
            ApiError: whatever else `send` raises.

        """
        refused: UnexpectedResponse | None = None
        for name, value in self._candidates(meter).items():
            try:
                response = await send(value)
            except UnexpectedResponse as error:
                if error.status != 404:
                    raise
                refused = error
            else:
                self._known[meter.id] = self._usual = name
                return response
        assert refused is not None  # there is always the id
        self._known.pop(meter.id, None)
        raise refused

    def _candidates(self, meter: Meter) -> dict[str, str]:
        named = {_ID: meter.id, **dict(meter.identifications)}
        if (known := self._known.get(meter.id)) in named:
            return {known: named[known]}
        order = sorted(named, key=lambda name: name != self._usual)
        return {name: named[name] for name in order}
