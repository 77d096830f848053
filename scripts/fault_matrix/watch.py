"""What the log must not hold, and how often it may speak."""

from collections.abc import Iterable
import logging
import re
from typing import Final

from custom_components.energy_connect.core.account import FieldKind
from simulator.journal import fingerprint

from .stage import Stage

_OURS: Final = "custom_components.energy_connect"
_NOT_READY: Final = "not ready yet: "
# A client that hangs up on an answer far too large is an error to the simulated server.
_SIMULATED: Final = "aiohttp.server"
_WORD: Final = re.compile(r"[\w.~+/=-]{12,}")
_COMPLAINTS: Final = ("Unexpected", "never retrieved", "never awaited", "Traceback")


def unhandled(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return the exceptions that nobody dealt with."""
    return [
        f"unhandled: {record.getMessage()[:300]}"
        for record in records
        if record.levelno >= logging.ERROR
        and record.name != _SIMULATED
        and (record.exc_info or any(word in record.getMessage() for word in _COMPLAINTS))
    ]


def lines(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return what the integration tells a person in the log."""
    return [
        record.getMessage()
        for record in records
        if record.name.startswith(_OURS)
        and record.levelno >= logging.INFO
        and _NOT_READY not in record.getMessage()
    ]


def retries(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return what Home Assistant itself tells of entries that are not ready: a line for each try."""
    return [record.getMessage() for record in records if _NOT_READY in record.getMessage()]


def secrets(stage: Stage, records: Iterable[logging.LogRecord]) -> list[str]:
    """Return how often what was entered, or sent as a credential, is in the log at any level."""
    text = "\n".join(
        f"{record.getMessage()} {record.exc_text or ''} {record.exc_info or ''}"
        for record in records
    )
    keys = [one.key for one in stage.known.fields if one.kind is FieldKind.SECRET]
    entered = {str(stage.typed[key]) for key in keys if key in stage.typed}
    sent = {entry.token_id for entry in stage.simulator.journal.requests()}
    words = {word.strip(".") for word in _WORD.findall(text)}
    found = ["a secret of the form in the log" for one in entered if one in text]
    found += ["a bearer in the log" for word in words - entered if fingerprint(word) in sent]
    return found
