"""The life of the actions that commands become: pending, then confirmed, failed or cancelled."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
import datetime as dt

from simulator.enode.frames import asset_id, written
from simulator.enode.knobs import EnodeKnobs
from simulator.payload import JsonObject, JsonValue

_ENDS = {"confirm": "CONFIRMED", "fail": "FAILED", "cancel": "CANCELLED"}


@dataclass(slots=True, kw_only=True)
class Action:
    """One command on its way. `wanted` is what was asked for; `due` is None if it never ends."""

    id: str
    user: str
    kind: str
    target: str
    wanted: JsonObject
    created: dt.datetime
    due: dt.datetime | None
    ends: str
    failure: JsonValue
    effect: Callable[[dt.datetime], None]
    state: str = "PENDING"
    completed: dt.datetime | None = None

    def end(self, state: str, at: dt.datetime, failure: JsonValue = None) -> None:
        """Let it be over."""
        self.state, self.completed, self.failure = state, at, failure
        if state == "CONFIRMED":
            self.effect(at)

    def document(self) -> JsonObject:
        """Return it in Enode's words."""
        return {
            "id": self.id,
            "userId": self.user,
            "createdAt": written(self.created),
            "updatedAt": written(self.completed or self.created),
            "completedAt": written(self.completed) if self.completed else None,
            "state": self.state,
            "targetId": self.target,
            "targetType": self.kind,
            **self.wanted,
            "failureReason": None if self.state == "PENDING" else self.failure,
        }


class Actions:
    """All actions; at most one of a device is pending."""

    def __init__(self, knobs: EnodeKnobs) -> None:
        """Begin without any."""
        self._knobs = knobs
        self._all: dict[str, Action] = {}

    def begin(
        self,
        asset: JsonObject,
        kind: str,
        wanted: JsonObject,
        now: dt.datetime,
        effect: Callable[[dt.datetime], None],
        *,
        precondition: str | None = None,
    ) -> Action:
        """Take a command for an asset; `precondition` is what the device is going to fail at.

        A vehicle's pending action for the same is used again; any other is cancelled. Source:
        vendor.
        """
        for other in self._pending():
            if other.target != asset["id"]:
                continue
            if kind == "vehicle" and other.wanted == wanted:
                return other
            other.end("CANCELLED", now, _reason("CONFLICT", "A newer action was created."))
        knobs = self._knobs
        ends = _ENDS.get(knobs.actions, "CONFIRMED")
        failure: JsonValue = None
        if ends != "CONFIRMED" and knobs.failure is not None:
            failure = _reason(knobs.failure, knobs.failure_detail)
        if precondition is not None:
            ends, failure = "FAILED", _reason("FAILED_PRECONDITION", precondition)
        hangs = knobs.actions == "hang"
        action = Action(
            id=asset_id(f"action {len(self._all)}"),
            user=str(asset["userId"]),
            kind=kind,
            target=str(asset["id"]),
            wanted=wanted,
            created=now,
            due=None if hangs else now + dt.timedelta(seconds=knobs.action_seconds),
            ends=ends,
            failure=failure,
            effect=effect,
        )
        self._all[action.id] = action
        self.settle(now)
        return action

    def settle(self, now: dt.datetime) -> None:
        """Let everything happen that is due."""
        for action in self._pending():
            if action.due is not None and action.due <= now:
                action.end(action.ends, action.due, action.failure)

    def find(self, kind: str, action_id: str) -> Action | None:
        """Return an action of a kind of device."""
        action = self._all.get(action_id)
        return action if action is not None and action.kind == kind else None

    def cancel(self, action: Action, now: dt.datetime) -> bool:
        """Stop trying; False if it is over already."""
        if action.state != "PENDING":
            return False
        reason = _reason("REQUESTED_CANCELLATION", "The action was cancelled by its owner.")
        action.end("CANCELLED", now, reason)
        return True

    def _pending(self) -> Iterable[Action]:
        return [action for action in self._all.values() if action.state == "PENDING"]


def _reason(kind: str, detail: str) -> JsonObject:
    return {"type": kind, "detail": detail}
