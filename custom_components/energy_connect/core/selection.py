"""A snapshot without the devices that a person left out."""

from collections.abc import Collection, Mapping

from .model import Device, Snapshot
from .options import with_all_below


def hidden(devices: Mapping[str, Device], left_out: frozenset[str]) -> frozenset[str]:
    """Return the ids of all devices that are left out, with those below them."""
    if not left_out:
        return left_out
    return left_out | with_all_below({key: one.parent for key, one in devices.items()}, left_out)


def without(snapshot: Snapshot, ids: Collection[str]) -> Snapshot:
    """Return a snapshot without some devices, and without what only concerns them."""
    if not ids:
        return snapshot
    return Snapshot(
        {key: device for key, device in snapshot.devices.items() if key not in ids},
        tuple(advice for advice in snapshot.advice if advice.device not in ids),
    )
