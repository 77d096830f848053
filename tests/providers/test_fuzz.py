"""A small fixed share of the bent payloads; `scripts/faults --fuzz` has the rest."""

from contextlib import suppress

import pytest

from custom_components.energy_connect.providers import PROVIDERS
from scripts.fault_matrix.fuzz.bends import Bend, apply
from scripts.fault_matrix.fuzz.run import judge

_CASES = 200


@pytest.mark.parametrize("provider", PROVIDERS)
def test_bent_payloads_let_nothing_but_our_own_errors_leave(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Recording sets the addresses of the simulator; they are restored with the rest.
    for name in ("ENECTIVA", "ENODE", "TRAXES", "EV_ENERGY"):
        for kind in ("API", "AUTH"):
            monkeypatch.setenv(f"ENERGY_CONNECT_{name}_{kind}_URL", "")

    assert judge(provider, _CASES, derandomize=True) >= _CASES * 0.9


def test_a_bend_leaves_neither_a_circle_nor_shared_parts() -> None:
    junk: dict[str, object] = {"id": {}}
    bends = [Bend(0, place, -1, junk) for place in range(12)] + [Bend(0, 0, 4)]

    with suppress(KeyError):
        apply(bends, {"data": [{"id": 1}, {"id": 2}]})

    assert junk == {"id": {}}
