"""The providers, in the order in which the wizard shows them.

This package knows the providers and nothing of Home Assistant; no provider knows another.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..core.account import Provider
from . import enectiva, enode, ev_energy, kostal, traxes

_MODULES: Final = (enectiva, kostal, enode, traxes, ev_energy)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {module.PROVIDER.key: module.PROVIDER for module in _MODULES}
)
