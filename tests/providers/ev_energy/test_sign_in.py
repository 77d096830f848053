"""Signing in, and a sign-in that is never lost: against the simulator's strict rotation."""

import asyncio
from typing import Any

import pytest
from yarl import URL

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers.ev_energy import PROVIDER
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from simulator import Simulator
from simulator.clock import Clock
from simulator.ev_energy.garage import identifier
from simulator.faults import Html, Redirect, Reset, Rewrite, Status, Truncated, rate_limited
from simulator.payload import JsonValue

from .conftest import CALLBACK, Driveway, MemoryVault, challenge

TEN_HOURS = 36_000


async def rejected(account: EvEnergyAccount) -> CredentialsRejected:
    with pytest.raises(CredentialsRejected) as caught:
        await account.poll()
    return caught.value


async def failed(account: EvEnergyAccount) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await account.poll()
    return caught.value


class TestCode:
    async def test_gives_a_token_that_works(self, quiet: Driveway) -> None:
        seed = await quiet.seed()
        assert seed["expires_in"] == TEN_HOURS
        account = EvEnergyAccount(quiet.context({}, quiet.grant(seed)))
        assert (await account.poll()).snapshot.devices
        assert quiet.grants() == ["authorization_code"]  # the seed is used while it is good

    async def test_older_than_a_minute(self, quiet: Driveway) -> None:
        code = await quiet.code()
        quiet.advance(61)
        with pytest.raises(CredentialsRejected) as caught:
            await quiet.seed(code)
        assert caught.value.reason is Reason.SIGN_IN_LOST

    async def test_used_twice(self, quiet: Driveway) -> None:
        code = await quiet.code()
        await quiet.seed(code)
        with pytest.raises(CredentialsRejected) as caught:
            await quiet.seed(code)
        assert caught.value.reason is Reason.SIGN_IN_LOST

    async def test_wrong_verifier(self, quiet: Driveway) -> None:
        with pytest.raises(CredentialsRejected) as caught:
            await quiet.seed(code_verifier="w" * 64)
        assert caught.value.reason is Reason.SIGN_IN_LOST

    async def test_wrong_secret(self, quiet: Driveway) -> None:
        code = await quiet.code()
        right, quiet.entered_secret = quiet.entered_secret, "wrong"
        with pytest.raises(CredentialsRejected) as caught:
            await quiet.seed(code)
        assert caught.value.reason is Reason.CLIENT_REFUSED
        quiet.entered_secret = right
        assert await quiet.seed(code)  # a refused application does not use the code up

    async def test_public_application_sends_no_secret(self, quiet: Driveway) -> None:
        quiet.browser.client_secret = quiet.entered_secret = ""
        quiet.knobs.require_pkce = True
        account = await quiet.signed_in()
        assert (await account.poll()).snapshot.devices
        assert (await quiet.later(account, TEN_HOURS)).snapshot.devices
        assert quiet.grants() == ["refresh_token"]

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Status(status=403, body="no"), Unavailable),
            (Status(status=404, body="no"), UnexpectedResponse),
            (Html(), UnexpectedResponse),
            (Status(status=503), Unavailable),
            (rate_limited("30"), RateLimited),
        ],
    )
    async def test_trouble_on_the_way_is_no_refused_credential(
        self, quiet: Driveway, fault: Any, error: type[ApiError]
    ) -> None:
        code = await quiet.code()
        quiet.fault(fault, "/o/token/", times=1)
        with pytest.raises(error):
            await quiet.seed(code)


class TestRotation:
    async def test_refreshes_shortly_before_the_end_and_saves_before_use(
        self, quiet: Driveway
    ) -> None:
        account = await quiet.signed_in()
        await account.poll()
        used_when_saved: list[int] = []

        async def look() -> None:
            used_when_saved.append(len(quiet.asked()))

        quiet.vault.before_save = look
        await quiet.later(account, TEN_HOURS - 50)
        assert quiet.grants() == ["refresh_token"]
        assert used_when_saved == [0]
        assert len(quiet.vault.saved) == 1
        assert account.diagnostics()["token_exchanges"] == 1
        await quiet.later(account)
        assert quiet.grants() == []

    async def test_a_revoked_access_token_is_renewed_once(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.sim.ev_energy.authorization.tokens.expire_access()
        poll = await quiet.later(account)
        assert poll.snapshot.devices
        assert quiet.grants() == ["refresh_token"]  # one for all requests at once

    async def test_a_restart_goes_on_with_the_vault(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        account = EvEnergyAccount(context)
        await quiet.later(account, TEN_HOURS)
        quiet.forget()
        restarted = EvEnergyAccount(context)
        assert (await restarted.poll()).snapshot.devices
        assert quiet.grants() == []
        await quiet.later(restarted, TEN_HOURS)
        assert quiet.grants() == ["refresh_token"]

    async def test_a_new_sign_in_wins_over_an_old_vault(self, quiet: Driveway) -> None:
        first = await quiet.seed()
        await quiet.later(EvEnergyAccount(quiet.context({}, quiet.grant(first))), TEN_HOURS)
        second = await quiet.seed()
        account = EvEnergyAccount(quiet.context({}, quiet.grant(second)))
        await quiet.later(account, TEN_HOURS)
        assert quiet.grants() == ["refresh_token"]
        # A restored backup of the entry brings the first one back, which is long dead.
        restored = EvEnergyAccount(quiet.context({}, quiet.grant(first)))
        assert (await quiet.later(restored, 60)).snapshot.devices
        assert quiet.grants() == []

    async def test_a_restored_old_seed_does_not_win(self, quiet: Driveway) -> None:
        seed = await quiet.seed()
        context = quiet.context({}, quiet.grant(seed))
        await quiet.later(EvEnergyAccount(context), TEN_HOURS)
        again = EvEnergyAccount(quiet.context({}, quiet.grant(seed)))
        assert (await quiet.later(again, TEN_HOURS)).snapshot.devices
        assert quiet.grants() == ["refresh_token"]

    async def test_killed_while_saving(self, quiet: Driveway) -> None:
        """The poll is cancelled when the answer has been read and the pair is being written."""
        context = await quiet.sign_in()
        account = EvEnergyAccount(context)
        quiet.advance(TEN_HOURS)
        writing, go_on = asyncio.Event(), asyncio.Event()

        async def slow_disk() -> None:
            writing.set()
            await go_on.wait()

        quiet.vault.before_save = slow_disk
        poll = asyncio.create_task(account.poll())
        await writing.wait()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
        go_on.set()
        quiet.vault.before_save = None
        await quiet.vault.was_saved.wait()
        # Who starts anew finds the new pair.
        quiet.forget()
        assert (await EvEnergyAccount(context).poll()).snapshot.devices
        # And so does the one that was interrupted.
        assert (await account.poll()).snapshot.devices
        assert quiet.grants() == []

    async def test_killed_while_the_answer_is_on_its_way(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        account = EvEnergyAccount(context)
        quiet.advance(TEN_HOURS)
        answered = asyncio.Event()

        def answer(payload: JsonValue) -> JsonValue:
            answered.set()
            return payload

        quiet.fault(Rewrite(bend=answer), "/o/token/")
        poll = asyncio.create_task(account.poll())
        await answered.wait()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
        assert (await account.poll()).snapshot.devices
        assert len(quiet.asked("/o/token/")) == 2  # the code, and one refresh

    async def test_a_disk_that_fails_loses_nothing(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.advance(TEN_HOURS)

        async def full() -> None:
            raise OSError("no space left")

        quiet.vault.before_save = full
        quiet.forget()
        error = await failed(account)
        assert isinstance(error, Unavailable)
        assert error.reason is Reason.STORAGE_FAILED
        assert quiet.asked() == []  # not used before it is saved
        quiet.vault.before_save = None
        assert (await account.poll()).snapshot.devices
        assert quiet.grants() == ["refresh_token"]  # not asked for again

    async def test_an_unreadable_vault_asks_for_no_sign_in(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.vault.unreadable = True
        assert (await failed(account)).reason is Reason.STORAGE_FAILED
        quiet.vault.unreadable = False
        assert (await account.poll()).snapshot.devices

    async def test_a_vault_of_an_unknown_shape_is_none(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await quiet.later(account, TEN_HOURS)
        assert quiet.vault.content is not None
        quiet.vault.content = {"seeds": quiet.vault.content["seeds"], "access_token": 7}
        assert (await quiet.later(account, TEN_HOURS)).snapshot.devices

    async def test_an_old_vault_on_a_strict_server_asks_once(self, quiet: Driveway) -> None:
        """What a restored backup of the whole machine does: its pair was used by the other one."""
        context = await quiet.sign_in()
        await quiet.later(EvEnergyAccount(context), TEN_HOURS)
        old = quiet.vault.content
        await quiet.later(EvEnergyAccount(context), TEN_HOURS)
        quiet.vault.content = old
        restored = EvEnergyAccount(context)
        quiet.forget()
        assert (await rejected(restored)).reason is Reason.SIGN_IN_LOST
        assert (await rejected(restored)).reason is Reason.SIGN_IN_LOST
        assert len(quiet.asked("/o/token/")) == 1  # a dead token is not sent again

    async def test_an_old_vault_on_a_server_with_grace_goes_on(self, quiet: Driveway) -> None:
        quiet.knobs.grace = 120
        context = await quiet.sign_in()
        await quiet.later(EvEnergyAccount(context), TEN_HOURS)
        old = quiet.vault.content
        await quiet.later(EvEnergyAccount(context), TEN_HOURS)
        quiet.vault.content = old
        assert (await EvEnergyAccount(context).poll()).snapshot.devices

    async def test_answer_without_a_refresh_token_keeps_the_old_one(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.knobs.refresh_token_in_answer = False
        for _ in range(2):
            assert (await quiet.later(account, TEN_HOURS)).snapshot.devices
            assert quiet.grants() == ["refresh_token"]

    async def test_scopes_that_are_not_named_stay_what_they_were(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read", "charging_session:read"})
        account = await quiet.signed_in()
        quiet.knobs.name_scopes = False
        await quiet.later(account, TEN_HOURS)
        assert account.diagnostics()["scopes"] == ["charging_session:read", "vehicle:read"]
        await quiet.later(account, TEN_HOURS)
        assert account.diagnostics()["scopes"] == ["charging_session:read", "vehicle:read"]

    async def test_a_seed_that_names_neither_scopes_nor_its_end(self, quiet: Driveway) -> None:
        quiet.knobs.name_scopes = False
        seed = await quiet.seed()
        del seed["expires_at"]
        account = EvEnergyAccount(quiet.context({}, quiet.grant(seed)))
        assert (await account.poll()).snapshot.devices
        await quiet.later(account, TEN_HOURS)
        assert account.diagnostics()["scopes"] is None
        assert "scope" not in quiet.vault.saved[0]

    @pytest.mark.parametrize("seed", [{}, {"access_token": "only", "expires_at": 0}])
    async def test_a_seed_that_can_not_be_refreshed(
        self, quiet: Driveway, seed: dict[str, Any]
    ) -> None:
        account = EvEnergyAccount(quiet.context({}, quiet.grant(seed)))
        assert (await rejected(account)).reason is Reason.SIGN_IN_LOST
        assert quiet.asked("/o/*") == []

    async def test_two_accounts_on_one_sign_in_refresh_once(self, quiet: Driveway) -> None:
        """An entry is reloaded while its old account is still refreshing."""
        context = await quiet.sign_in()
        old, new = EvEnergyAccount(context), EvEnergyAccount(context)
        quiet.advance(TEN_HOURS)
        quiet.forget()
        polls = await asyncio.gather(old.poll(), new.poll())
        assert all(poll.snapshot.devices for poll in polls)
        assert quiet.grants() == ["refresh_token"]

    async def test_no_secret_is_shown(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await quiet.later(account, TEN_HOURS)
        assert quiet.vault.content is not None
        shown = f"{account.diagnostics()}"
        for key in ("access_token", "refresh_token"):
            assert quiet.vault.content[key] not in shown


class TestLostAnswer:
    @pytest.mark.parametrize("fault", [Reset(after=0), Reset(after=10), Truncated()])
    async def test_a_server_with_grace_answers_again(self, quiet: Driveway, fault: Any) -> None:
        quiet.knobs.grace = 120
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(fault, "/o/token/", times=1)
        assert (await quiet.later(account, TEN_HOURS)).snapshot.devices
        assert len(quiet.asked("/o/token/")) == 2

    async def test_a_strict_server_asks_once_for_a_sign_in(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(Reset(after=10), "/o/token/", times=1)
        quiet.advance(TEN_HOURS)
        quiet.forget()
        assert (await rejected(account)).reason is Reason.SIGN_IN_LOST
        assert len(quiet.asked("/o/token/")) == 2
        assert (await rejected(account)).reason is Reason.SIGN_IN_LOST
        assert len(quiet.asked("/o/token/")) == 2

    async def test_lost_twice_is_an_outage(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(Status(status=503), "/o/token/", times=1)
        quiet.advance(TEN_HOURS)
        assert isinstance(await failed(account), Unavailable)
        assert (await account.poll()).snapshot.devices


class TestRefusals:
    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Status(status=403, body="no"), Unavailable),
            (Status(status=404, body="no"), UnexpectedResponse),
            (Html(), UnexpectedResponse),
            (Html(status=403), Unavailable),
            (Status(status=405), UnexpectedResponse),
            (Status(status=500), Unavailable),
            (Status(status=401), Unavailable),
            (rate_limited("30"), RateLimited),
        ],
    )
    async def test_trouble_at_the_token_endpoint_asks_for_no_sign_in(
        self, quiet: Driveway, fault: Any, error: type[ApiError]
    ) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.advance(TEN_HOURS)
        injected = quiet.fault(fault, "/o/token/")
        assert isinstance(await failed(account), error)
        quiet.sim.faults.remove(injected)
        quiet.advance(30)
        assert (await account.poll()).snapshot.devices

    async def test_a_redirect_of_the_token_call_to_another_host(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.advance(TEN_HOURS)
        async with Simulator(clock=Clock(frozen=True)) as elsewhere:
            target = f"{elsewhere.ev_energy.url}/o/token/"
            quiet.fault(Redirect(url=target, status=307), "/o/token/", times=1)
            error = await failed(account)
            assert isinstance(error, UnexpectedResponse)
            assert error.reason is Reason.REDIRECTED
            assert elsewhere.journal.requests() == []
        assert (await account.poll()).snapshot.devices

    async def test_a_regenerated_secret_of_the_application(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.advance(TEN_HOURS)
        quiet.browser.client_secret = "regenerated"
        assert (await rejected(account)).reason is Reason.CLIENT_REFUSED

    async def test_withdrawn_consent(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.sim.ev_energy.authorization.tokens.end_all()
        assert (await rejected(account)).reason is Reason.SIGN_IN_LOST

    async def test_scopes_that_became_none(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.browser.scopes = frozenset()
        quiet.advance(TEN_HOURS)
        assert (await rejected(account)).reason is Reason.SIGN_IN_LOST


class TestForget:
    async def test_revokes_the_newest_refresh_token(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        account = EvEnergyAccount(context)
        await quiet.later(account, TEN_HOURS)
        assert PROVIDER.forget is not None
        await PROVIDER.forget(context)
        (request,) = quiet.asked("/o/revoke_token/")
        assert request.facts["grant"] == "revoke refresh_token"
        assert quiet.sim.ev_energy.authorization.tokens.refresh_tokens == 0

    async def test_revokes_the_seed_if_nothing_was_rotated(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        assert PROVIDER.forget is not None
        await PROVIDER.forget(context)
        assert quiet.sim.ev_energy.authorization.tokens.refresh_tokens == 0

    async def test_failures_do_not_matter(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        quiet.fault(Status(status=500), "/o/revoke_token/")
        assert PROVIDER.forget is not None
        await PROVIDER.forget(context)
        assert len(quiet.asked("/o/revoke_token/")) == 1

    async def test_nothing_to_revoke(self, quiet: Driveway) -> None:
        assert PROVIDER.forget is not None
        await PROVIDER.forget(quiet.entered())
        await PROVIDER.forget(quiet.context({}, quiet.grant({})))
        assert quiet.asked("/o/*") == []


class TestIdentifySignedIn:
    async def test_by_the_user(self, quiet: Driveway) -> None:
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id == identifier("user", 0)
        assert identity.title == "Sam Sample"
        assert identity.data == {}

    @pytest.mark.parametrize("scope", ["vehicle:read", "evse:read"])
    async def test_by_what_the_user_owns(self, quiet: Driveway, scope: str) -> None:
        quiet.browser.scopes = frozenset({"charging_session:read", scope})
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id == identifier("user", 0)
        assert identity.title == "ev.energy"

    async def test_by_a_hash_if_nothing_names_the_user(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"charging_session:read", "vehicle:read"})
        quiet.knobs.vehicles = 0
        quiet.knobs.extra_rows = {"vehicles": [{"id": "vhcl2"}, {"id": "vhcl1"}, "odd"]}
        context = await quiet.sign_in()
        (identity,) = await PROVIDER.identify(context)
        assert identity.account_id is not None
        assert len(identity.account_id) == 32
        assert await PROVIDER.identify(context) == [identity]

    async def test_of_nothing_there_is_no_id(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read"})
        quiet.knobs.vehicles = 0
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id is None

    async def test_users_me_may_be_missing(self, quiet: Driveway) -> None:
        quiet.fault(Status(status=404), "/v2/users/me")
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id == identifier("user", 0)

    async def test_lists_may_be_missing(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read", "evse:read"})
        quiet.fault(Status(status=404), "/v2/vehicles")
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id == identifier("user", 0)

    @pytest.mark.parametrize("path", ["/v2/users/me", "/v2/vehicles"])
    async def test_other_trouble_is_told(self, quiet: Driveway, path: str) -> None:
        if path.endswith("vehicles"):
            quiet.browser.scopes = frozenset({"vehicle:read"})
        context = await quiet.sign_in()
        quiet.fault(Html(), path)
        with pytest.raises(UnexpectedResponse):
            await PROVIDER.identify(context)

    async def test_home_energy_is_enough(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"user:read", "home_energy:read"})
        (identity,) = await PROVIDER.identify(await quiet.sign_in())
        assert identity.account_id == identifier("user", 0)

    @pytest.mark.parametrize("scope", ["user:read", "charging_session:read"])
    async def test_scopes_that_show_nothing(self, quiet: Driveway, scope: str) -> None:
        quiet.browser.scopes = frozenset({scope})
        with pytest.raises(NotPermitted) as caught:
            await PROVIDER.identify(await quiet.sign_in())
        assert caught.value.reason is Reason.MISSING_SCOPES
        assert "vehicle:read" in (caught.value.detail or "")

    async def test_a_dead_token(self, quiet: Driveway) -> None:
        context = await quiet.sign_in()
        quiet.sim.ev_energy.authorization.tokens.end_all()
        with pytest.raises(CredentialsRejected):
            await PROVIDER.identify(context)


class TestClientCredentials:
    async def test_one_identity_per_user(self, quiet: Driveway) -> None:
        quiet.knobs.users = 3
        quiet.knobs.most_rows = 2
        entered = quiet.entered(client_id=f" {quiet.own.client_id}\n")
        identities = await PROVIDER.identify(entered)
        assert [one.account_id for one in identities] == [
            identifier("user", number) for number in range(3)
        ]
        assert identities[1].title == "Sam Sample 1"
        assert identities[1].data == {
            "client_id": quiet.own.client_id,
            "client_secret": quiet.own.client_secret,
            "user_id": identifier("user", 1),
        }
        (exchange,) = quiet.asked("/o/token/")
        assert exchange.scheme == "Basic"
        account = PROVIDER.open(quiet.context(identities[1].data))
        poll = await account.poll()
        vehicles = [one for one in poll.snapshot.devices.values() if one.kind is Kind.VEHICLE]
        assert len(vehicles) == 1  # of the second user, not the first one's two
        assert account.diagnostics()["token_exchanges"] == 1

    @pytest.mark.parametrize("spelling", ["id", "address", "either"])
    async def test_the_user_in_either_spelling(self, quiet: Driveway, spelling: Any) -> None:
        (identity,) = await PROVIDER.identify(quiet.entered())
        quiet.knobs.user_header = type(quiet.knobs.user_header)(spelling)
        account = EvEnergyAccount(quiet.context(identity.data))
        assert (await account.poll()).snapshot.devices
        await quiet.later(account)
        assert {request.status for request in quiet.asked()} == {200}  # it is remembered
        assert all("evenergy-user" in request.header_names for request in quiet.asked())

    async def test_a_user_who_is_gone(self, quiet: Driveway) -> None:
        (identity,) = await PROVIDER.identify(quiet.entered())
        quiet.knobs.users = 0
        account = EvEnergyAccount(quiet.context(identity.data))
        assert isinstance(await failed(account), UnexpectedResponse)
        quiet.forget()
        assert isinstance(await failed(account), UnexpectedResponse)

    async def test_the_token_is_asked_for_again_at_its_end(self, quiet: Driveway) -> None:
        (identity,) = await PROVIDER.identify(quiet.entered())
        account = EvEnergyAccount(quiet.context(identity.data))
        await account.poll()
        await quiet.later(account)
        assert quiet.grants() == []
        await quiet.later(account, TEN_HOURS)
        assert quiet.grants() == ["client_credentials"]
        quiet.sim.ev_energy.authorization.tokens.expire_access()
        await quiet.later(account)
        assert quiet.grants() == ["client_credentials"]

    async def test_scopes_that_became_none_are_no_lost_sign_in(self, quiet: Driveway) -> None:
        (identity,) = await PROVIDER.identify(quiet.entered())
        account = EvEnergyAccount(quiet.context(identity.data))
        quiet.own.scopes = frozenset()
        error = await failed(account)
        assert isinstance(error, NotPermitted)
        assert error.reason is Reason.MISSING_SCOPES

    async def test_wrong_secret(self, quiet: Driveway) -> None:
        with pytest.raises(CredentialsRejected) as caught:
            await PROVIDER.identify(quiet.entered(client_secret="wrong"))
        assert caught.value.reason is Reason.CLIENT_REFUSED

    async def test_application_for_another_grant(self, quiet: Driveway) -> None:
        browser = quiet.browser
        entered = quiet.entered(client_id=browser.client_id, client_secret=browser.client_secret)
        with pytest.raises(NotPermitted) as caught:
            await PROVIDER.identify(entered)
        assert caught.value.reason is Reason.GRANT_NOT_ALLOWED

    async def test_no_user(self, quiet: Driveway) -> None:
        quiet.knobs.users = 0
        with pytest.raises(UnexpectedResponse) as caught:
            await PROVIDER.identify(quiet.entered())
        assert caught.value.reason is Reason.NO_ACCOUNT

    async def test_missing_scope(self, quiet: Driveway) -> None:
        quiet.own.scopes = frozenset({"vehicle:read", "charging_session:read"})
        with pytest.raises(NotPermitted) as caught:
            await PROVIDER.identify(quiet.entered())
        assert caught.value.reason is Reason.MISSING_SCOPES
        assert caught.value.detail == "user:read"

    async def test_users_found_by_their_vehicles(self, quiet: Driveway) -> None:
        """Some lists may answer without a user; then the links in them name the users."""
        quiet.own.scopes = frozenset({"vehicle:read"})
        quiet.fault(
            Status(
                status=200,
                body='[{"id": "vhcl1", "user": "https://api.ev.energy/v2/users/user7"}]',
                content_type="application/json",
            ),
            "/v2/vehicles",
        )
        (identity,) = await PROVIDER.identify(quiet.entered())
        assert identity.account_id == "user7"


async def test_the_consent_page_is_for_people(quiet: Driveway) -> None:
    """Refusing leads back with an error; an unregistered address is never returned to."""
    address = URL(quiet.sim.environment()["ENERGY_CONNECT_EV_ENERGY_AUTH_URL"]) / "authorize" / ""
    query = {
        "response_type": "code",
        "client_id": quiet.browser.client_id,
        "redirect_uri": CALLBACK,
        "state": "s",
        "code_challenge": challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    async with quiet.session.get(address.with_query(query)) as page:
        assert page.status == 400
    quiet.sim.ev_energy.register_redirect(CALLBACK)
    async with quiet.session.post(
        address.with_query(query), data={"refuse": "yes"}, allow_redirects=False
    ) as page:
        assert page.headers["Location"] == f"{CALLBACK}?error=access_denied&state=s"


async def test_an_address_elsewhere_gets_nothing(
    quiet: Driveway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENERGY_CONNECT_EV_ENERGY_AUTH_URL", "https://attacker.example/o")
    with pytest.raises(UnexpectedResponse):
        await PROVIDER.identify(quiet.entered())
    assert isinstance(quiet.vault, MemoryVault)
