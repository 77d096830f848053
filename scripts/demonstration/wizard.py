"""Setting accounts up as a person does: menu, form, consent in the browser."""

from typing import Any

import aiohttp

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator

from .session import Session

_FLOWS = "/api/config/config_entries/flow"


class Refused(Exception):
    """The wizard did not accept what was entered."""


async def set_up(session: Session, simulator: Simulator, provider: str) -> None:
    """Add the provider's account with the credentials that the simulator knows."""
    flow = await session.post(_FLOWS, {"handler": DOMAIN})
    flow = await _choose(session, flow, provider)
    if f"{provider}_sign_in" in (flow.get("menu_options") or ()):
        flow = await _sign_in(session, simulator, flow, provider)
    else:
        known = simulator.credentials()[provider]
        fields = {field["name"] for field in flow["data_schema"]}
        entered = {key: value for key, value in known.items() if key in fields}
        flow = await session.post(f"{_FLOWS}/{flow['flow_id']}", entered)
    if flow["type"] != "create_entry":
        why = flow.get("errors") or flow.get("reason") or flow["type"]
        raise Refused(f"the wizard refused {provider}: {why}")


async def _choose(session: Session, flow: dict[str, Any], option: str) -> dict[str, Any]:
    """Take a menu's option."""
    answer: dict[str, Any] = await session.post(
        f"{_FLOWS}/{flow['flow_id']}", {"next_step_id": option}
    )
    return answer


async def _sign_in(
    session: Session, simulator: Simulator, flow: dict[str, Any], provider: str
) -> dict[str, Any]:
    """Register the application, sign in at the provider, consent, and come back."""
    callback = f"{session.url}/auth/external/callback"
    application = simulator.ev_energy.browser_application(callback)
    await session.command(
        "application_credentials/create",
        domain=DOMAIN,
        client_id=application.client_id,
        client_secret=application.client_secret,
    )
    flow = await _choose(session, flow, f"{provider}_sign_in")
    return await consent(session, flow, provider)


async def consent(session: Session, flow: dict[str, Any], provider: str) -> dict[str, Any]:
    """Sign in at the page to which a flow leads, and come back."""
    callback = f"{session.url}/auth/external/callback"
    if flow["type"] != "external":
        raise Refused(f"no sign-in page for {provider}: {flow.get('reason') or flow['type']}")
    async with aiohttp.ClientSession() as browser:
        # The consent page is a form that posts to its own address.
        async with browser.post(flow["url"], data={"allow": "yes"}, allow_redirects=False) as page:
            back = page.headers.get("Location", "")
        if not back.startswith(callback):
            raise Refused(f"the consent page of {provider} led to {back or 'nowhere'}")
        async with browser.get(back) as page:
            page.raise_for_status()
    answer: dict[str, Any] = await session.post(f"{_FLOWS}/{flow['flow_id']}", {})
    return answer
