"""What only the owner of Enode's devices can mend: broken logins, and interventions.

Derived anew from what was read last; nothing is remembered here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...core.model import Advice, AdviceKind, OpenPage, Severity
from ...core.vocabulary import Kind
from .assets import Asset
from .interventions import Intervention, Interventions
from .owners import BrokenLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An advice, and whose login at which maker it is about.

    `relink` names an asset by which a broken login can be mended on its own; None if linking again
    is the way.
    """

    advice: Advice
    user: str | None
    vendor: str | None
    kinds: frozenset[Kind]
    relink: str | None = None


def needs(
    broken: Iterable[BrokenLogin], assets: Iterable[Asset], interventions: Interventions
) -> list[Need]:
    """Return what needs the owner, in the order of the advices' subjects."""
    held = list(assets)
    found = {need.advice.subject: need for need in _logins(broken, held)}
    for need in _interventions(held, interventions):
        found.setdefault(need.advice.subject, need)
    return [found[subject] for subject in sorted(found)]


def _logins(broken: Iterable[BrokenLogin], assets: list[Asset]) -> Iterator[Need]:
    """Yield a need for each login that no longer works: one for all that hangs on it."""
    for login in broken:
        of_it = sorted(
            (one for one in assets if login.holds(one.user, one.vendor, one.device.kind)),
            key=lambda one: one.device.id,
        )
        name = next((one.device.manufacturer for one in of_it if one.device.manufacturer), None)
        yield Need(
            advice=Advice(
                AdviceKind.VENDOR_LOGIN_BROKEN,
                f"{login.user}_{login.vendor}",
                Severity.ERROR,
                {"vendor": name or login.vendor},
                OpenPage(),
            ),
            user=login.user,
            vendor=login.vendor,
            kinds=login.kinds or frozenset(one.device.kind for one in of_it),
            relink=of_it[0].device.id if of_it else None,
        )


def _interventions(assets: list[Asset], interventions: Interventions) -> Iterator[Need]:
    """Yield a need for each intervention whose text is known: once a login, or once a device."""
    for asset in assets:
        for one in map(interventions.get, asset.interventions):
            if one is not None:
                yield Need(
                    advice=_advice(one, asset),
                    user=asset.user,
                    vendor=asset.vendor,
                    kinds=frozenset({asset.device.kind}),
                )


def _advice(intervention: Intervention, asset: Asset) -> Advice:
    device = asset.device
    if intervention.of_login:
        about, name, only = f"{asset.user}_{asset.vendor}", device.manufacturer, None
    else:
        about, name, only = device.id, device.name, device.id
    placeholders = {
        "device": name or device.kind.value,
        "summary": intervention.title,
        "description": intervention.description,
    }
    subject = f"{about}_{intervention.id}"
    if intervention.link:
        return Advice(
            AdviceKind.OWNER_LINK,
            subject,
            placeholders=placeholders,
            remedy=OpenPage(),
            device=only,
        )
    return Advice(AdviceKind.OWNER_ACTION, subject, placeholders=placeholders, device=only)
