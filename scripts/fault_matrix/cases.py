"""One fault of one provider at one moment: what happened, against what is promised."""

from collections.abc import Callable
import logging

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.update_coordinator import UpdateFailed
import pytest

from custom_components.energy_connect.providers import PROVIDERS

from . import watch
from .catalogue import FAULTS, WITHOUT, Fault
from .expectations import AT_ONCE, Outcome, expected
from .names import MOMENTS
from .stage import Entry, Stage

type Record = Callable[[str, object], None]

CASES = [
    pytest.param(provider, fault, moment, id=f"{provider}-{fault}-{moment}")
    for provider in PROVIDERS
    for fault in FAULTS
    for moment in MOMENTS
    if fault not in WITHOUT.get(provider, ())
]
# What was refused is asked for again after six hours.
_PATIENCE = 7 * 3600.0
_STEP = 300.0
_LISTS = 4


class Case:
    """What is found out about a case."""

    def __init__(
        self, stage: Stage, fault: Fault, moment: str, log: list[logging.LogRecord]
    ) -> None:
        """Begin without a finding."""
        self.stage = stage
        self.fault = fault
        self.log = log
        self.expected = expected(stage.provider, fault.name, moment)
        self.outcome = ""
        self.violations: list[str] = []

    @property
    def most_lines(self) -> int:
        """How many lines may tell that something is odd, which goes on: one for each list."""
        return _LISTS if self.fault.name == "wrong-types" else 1

    def check(self, holds: bool, words: str) -> None:
        """Note a promise that was not kept."""
        if not holds:
            self.violations.append(words)

    def lines(self, since: int) -> list[str]:
        """Return what the log told a person since a place in it."""
        return watch.lines(self.log[since:])

    def reason(self, entry: Entry) -> str:
        """Return why the account failed last."""
        coordinator = getattr(entry, "runtime_data", None)
        error = None if coordinator is None else coordinator.last_error
        return str(error.reason) if error is not None else ""


async def _wizard(case: Case) -> None:
    """Enter good credentials while the provider is in trouble, and again when it is over."""
    stage = case.stage
    flow = await stage.open_wizard()
    await case.fault.begin(stage)
    result = await stage.submit(flow)
    if result["type"] is FlowResultType.CREATE_ENTRY:
        case.outcome = "created"
    else:
        case.outcome = str((result.get("errors") or {}).get("base", result["type"]))
    case.check(not stage.sign_ins(), "asked for a sign-in in the midst of the wizard")
    await case.fault.end(stage)
    if result["type"] is FlowResultType.FORM:
        result = await stage.submit(result)
    case.check(result["type"] is FlowResultType.CREATE_ENTRY, f"not mended: {result}")
    if result["type"] is FlowResultType.CREATE_ENTRY:
        await _recover(case, result["result"], set())


async def _setup(case: Case) -> None:
    """Start Home Assistant while the provider is in trouble."""
    stage = case.stage
    entry = await stage.set_up()
    before = set(stage.values(entry))
    await stage.settle(stage.hass.config_entries.async_unload(entry.entry_id))
    await stage.quiet()
    await case.fault.begin(stage)
    mark = len(case.log)
    await stage.settle(stage.hass.config_entries.async_setup(entry.entry_id))
    await stage.quiet()
    first = entry.state
    case.outcome = Outcome.STARTED if first is ConfigEntryState.LOADED else Outcome.RETRIED
    if first is ConfigEntryState.SETUP_ERROR or stage.sign_ins():
        case.outcome = Outcome.SIGN_IN
    for _ in range(3):
        await stage.advance(200)
    down = case.lines(mark)
    case.check(len(down) <= case.most_lines, f"{len(down)} log lines: {down}")
    if case.outcome == Outcome.RETRIED:
        told = watch.retries(case.log[mark:])
        case.check(bool(told), "the log does not say why it is not set up")
    await _end(case, entry, before)
    if case.outcome != Outcome.SIGN_IN:
        case.check(len(case.lines(mark)) <= len(down) + 1, f"log: {case.lines(mark)}")


async def _running(case: Case) -> None:
    """Get the provider into trouble while everything runs, until the grace time is long over."""
    stage = case.stage
    entry = await stage.set_up()
    coordinator = entry.runtime_data
    before = stage.values(entry)
    case.check(bool(before), "nothing was shown to begin with")
    grace = stage.known.grace.total_seconds()
    began = stage.now()
    await case.fault.begin(stage)
    mark = len(case.log)
    down_at: float | None = None
    lost: dict[str, float] = {}
    polls = 0
    while stage.now() - began < 2.2 * grace and (polls < 3 or case.fault.name != "paging-for-ever"):
        await stage.next_poll(entry)
        polls += 1
        now = stage.now() - began
        if down_at is None and not coordinator.last_update_success:
            down_at = now
        if down_at is None:
            for one in stage.unavailable(entry) & before.keys():
                lost.setdefault(one, now)
    down = case.lines(mark)
    case.outcome = Outcome.KEPT if down_at is None else Outcome.DOWN
    if stage.sign_ins():
        case.outcome = Outcome.SIGN_IN
    elif down_at is not None:
        case.check(
            isinstance(coordinator.last_exception, UpdateFailed),
            f"failed by {coordinator.last_exception!r}",
        )
        case.check(down_at >= 0.99 * grace, f"down after {down_at:.0f} s of {grace:.0f} s grace")
        case.check(not stage.values(entry), "something is shown after the grace time")
    early = {one: at for one, at in lost.items() if at < 0.99 * grace}
    obeyed = (stage.provider, case.fault.name) in AT_ONCE
    case.check(obeyed or not early, f"lost within the grace time: {dict(list(early.items())[:3])}")
    right = len(down) <= case.most_lines if case.outcome == Outcome.KEPT else len(down) == 1
    case.check(right, f"{len(down)} log lines on the way down: {down}")
    mark = len(case.log)
    await _end(case, entry, set(before))
    if case.outcome == Outcome.DOWN:
        up = case.lines(mark)
        case.check(len(up) == 1, f"{len(up)} log lines on the way up: {up}")


async def _end(case: Case, entry: Entry, before: set[str]) -> None:
    """End the fault; who was asked to sign in does so, all else mends itself."""
    stage = case.stage
    await case.fault.end(stage)
    asked = stage.sign_ins()
    if asked and stage.provider != "kostal":
        flow = await stage.settle(
            stage.hass.config_entries.flow.async_configure(asked[0]["flow_id"])
        )
        form = flow["data_schema"]
        assert form is not None
        wanted = {str(key) for key in form.schema}
        typed = {key: text for key, text in stage.typed.items() if key in wanted}
        result = await stage.submit(flow, typed)
        case.check(result.get("reason") == "reauth_successful", f"sign-in: {result}")
    await _recover(case, entry, before)


async def _recover(case: Case, entry: Entry, before: set[str]) -> None:
    """Wait until everything is shown again that was shown before."""
    stage = case.stage
    ends = stage.now() + _PATIENCE
    while stage.now() < ends and not _is_well(stage, entry, before):
        await stage.advance(min(_STEP, stage.interval(entry) + 1))
    missing = before - stage.values(entry).keys()
    if missing and entry.state is ConfigEntryState.LOADED:
        # Hours went by: what a fresh start does not show either has no value any more.
        await stage.settle(stage.hass.config_entries.async_reload(entry.entry_id))
        for _ in range(3):
            await stage.next_poll(entry)
        before = before - missing | (missing & stage.values(entry).keys())
        if missing & before:
            case.check(
                False,
                f"{len(missing & before)} came back by a restart alone:"
                f" {sorted(missing & before)[:3]}",
            )
    case.check(
        _is_well(stage, entry, before),
        f"not recovered: {entry.state.name} {entry.reason}, {len(missing)} missing:"
        f" {sorted(missing)[:3]}, sign-ins {len(stage.sign_ins())}",
    )


def _is_well(stage: Stage, entry: Entry, before: set[str]) -> bool:
    if entry.state is not ConfigEntryState.LOADED or stage.sign_ins():
        return False
    values = stage.values(entry)
    return bool(values) and before <= values.keys() and entry.runtime_data.last_update_success


_MOMENTS = {"wizard": _wizard, "setup": _setup, "running": _running}


@pytest.mark.parametrize(("provider", "fault", "moment"), CASES)
async def test_survives(
    stage: Stage,
    fault: str,
    moment: str,
    caplog: pytest.LogCaptureFixture,
    record_property: Record,
) -> None:
    """Go through one case and say which promises were not kept."""
    caplog.set_level(logging.DEBUG)
    case = Case(stage, FAULTS[fault], moment, caplog.handler.records)
    await _MOMENTS[moment](case)
    record_property("outcome", str(case.outcome))
    case.check(
        case.outcome == case.expected,
        f"{case.outcome} instead of {case.expected}",
    )
    case.violations += watch.unhandled(case.log)
    case.violations += watch.secrets(stage, case.log)
    case.violations += [f"the simulator failed: {one!r}" for one in stage.simulator.failures]
    reached = stage.simulator.journal.count(provider=stage.elsewhere.name)
    case.check(not reached, f"{reached} requests went elsewhere")
    record_property("violations", case.violations)
    assert not case.violations, "; ".join(case.violations)
