from datetime import UTC, timedelta

import aiohttp
import pytest

from custom_components.energy_connect.core.account import (
    Account,
    Context,
    Field,
    FieldKind,
    Grant,
    Identity,
    Provider,
    Vault,
)
from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.errors import ApiError, CredentialsRejected, Reason
from custom_components.energy_connect.core.model import Device, Poll, Snapshot
from custom_components.energy_connect.core.vocabulary import Kind
from tests.hand_clock import HandClock


class Shelf:
    """The smallest vault."""

    def __init__(self) -> None:
        self.content: dict[str, object] | None = None

    async def load(self) -> dict[str, object] | None:
        return self.content

    async def save(self, content: object) -> None:
        assert isinstance(content, dict)
        self.content = dict(content)


class Lamp:
    """The smallest account."""

    def __init__(self, context: Context) -> None:
        self.name = context.data["name"]
        self.budget = Budget(context.clock, concurrent=1)

    async def poll(self) -> Poll:
        devices = {"lamp": Device(id="lamp", kind=Kind.OTHER, name=self.name)}
        return Poll(snapshot=Snapshot(devices), again=timedelta(minutes=1))

    def diagnostics(self) -> dict[str, object]:
        return {"devices": 1}


async def identify(context: Context) -> list[Identity]:
    if context.data["password"] != "right":
        raise CredentialsRejected(Reason.INVALID_CREDENTIALS)
    return [Identity(account_id="7", title="Lamp", data=context.data)]


LAMPS = Provider(
    key="lamps",
    name="Lamps",
    fields=(Field(key="name"), Field(key="password", kind=FieldKind.SECRET)),
    grace=timedelta(minutes=3),
    identify=identify,
    open=Lamp,
)


async def test_a_provider_is_all_that_is_needed_to_set_an_account_up(
    session: aiohttp.ClientSession, clock: HandClock
) -> None:
    entered = {"name": "Hall", "password": "wrong"}
    context = Context(session=session, clock=clock, zone=UTC, data=entered)
    with pytest.raises(ApiError):
        await LAMPS.identify(context)
    context = Context(session=session, clock=clock, zone=UTC, data=entered | {"password": "right"})
    (identity,) = await LAMPS.identify(context)
    account: Account = LAMPS.open(
        Context(session=session, clock=clock, zone=UTC, data=identity.data)
    )
    poll = await account.poll()
    assert poll.snapshot.devices["lamp"].name == "Hall"
    assert account.diagnostics() == {"devices": 1}


def test_what_a_provider_need_not_say() -> None:
    assert (LAMPS.options, LAMPS.sign_in, LAMPS.forget) == ((), False, None)
    assert dict(LAMPS.links) == {}


def test_a_field_is_a_required_text_that_is_hidden_in_diagnostics() -> None:
    field = Field(key="host")
    assert (field.kind, field.required, field.default) == (FieldKind.TEXT, True, None)
    assert (field.identity, field.shown, field.choices) == (False, False, ())


async def test_a_context_needs_neither_options_nor_a_sign_in(
    session: aiohttp.ClientSession, clock: HandClock
) -> None:
    context = Context(session=session, clock=clock, zone=UTC, data={})
    assert (dict(context.options), context.grant) == ({}, None)


async def test_a_grant_brings_the_vault_in_which_later_tokens_live() -> None:
    vault: Vault = Shelf()
    grant = Grant(client_id="id", client_secret="secret", seed={"access_token": "a"}, vault=vault)
    assert await grant.vault.load() is None
    await grant.vault.save({"access_token": "b"})
    assert await grant.vault.load() == {"access_token": "b"}


async def test_no_secret_is_shown_when_its_holder_is_printed(
    session: aiohttp.ClientSession, clock: HandClock
) -> None:
    data = {"password": "pa55word"}
    grant = Grant(
        client_id="id", client_secret="pa55word", seed={"access_token": "pa55word"}, vault=Shelf()
    )
    context = Context(session=session, clock=clock, zone=UTC, data=data, options=data, grant=grant)
    identity = Identity(account_id="7", title="Lamp", data=data)
    assert "pa55word" not in f"{grant!r} {context!r} {identity!r}"
