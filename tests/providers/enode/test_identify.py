"""What a person enters, tried on a strict server."""

from typing import Any

import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.providers.enode import PROVIDER
from simulator.enode import PRODUCTION, SANDBOX
from simulator.faults import Action, ContentType, Html, Redirect, Reset, Shape, Status, rate_limited

from .conftest import Home

TOKEN = "oauth2/token"


def test_provider() -> None:
    assert PROVIDER.key == "enode"
    assert [field.key for field in PROVIDER.fields if field.identity] == [
        "environment",
        "client_id",
        "user_id",
    ]
    assert [field.key for field in PROVIDER.fields if not field.required] == ["user_id"]
    assert PROVIDER.grace.total_seconds() == 900


async def test_client_is_identified(home: Home) -> None:
    context = home.context(client_id=" client-production-0001 ", user_id=" ")

    (identity,) = await PROVIDER.identify(context)

    assert identity.account_id == "production_client-production-0001"
    assert identity.title == "Enode"
    assert identity.data == {
        "environment": "production",
        "client_id": "client-production-0001",
        "client_secret": "secret-production-1",
    }
    assert home.asked() == ["oauth2/token", "users"]


async def test_production_is_the_default(home: Home) -> None:
    (identity,) = await PROVIDER.identify(home.context(environment=""))

    assert identity.data["environment"] == "production"


async def test_user_is_identified(home: Home) -> None:
    (identity,) = await PROVIDER.identify(home.context(SANDBOX, user_id="villa-14"))

    assert identity.account_id == "sandbox_client-sandbox-0001_villa-14"
    assert identity.title == "Enode villa-14 sandbox"
    assert identity.data["user_id"] == "villa-14"
    assert home.asked() == ["oauth2/token", "users/villa-14"]


async def test_user_who_never_linked_anything_can_be_set_up(home: Home) -> None:
    (identity,) = await PROVIDER.identify(home.context(user_id="newcomer"))

    assert identity.account_id == "production_client-production-0001_newcomer"


async def test_every_request_names_the_version_and_no_user(home: Home) -> None:
    await PROVIDER.identify(home.context())

    (request,) = home.sim.journal.requests(provider="enode", origin="api")
    assert "enode-version" in request.header_names
    assert "enode-user-id" not in request.header_names
    assert request.scheme == "Bearer"
    (exchange,) = home.sim.journal.requests(provider="enode", origin="oauth")
    assert exchange.scheme == "Basic"
    assert exchange.facts["grant_type"] == "client_credentials"


async def refusal(home: Home, **entered: Any) -> ApiError:
    with pytest.raises(ApiError) as raised:
        await PROVIDER.identify(home.context(**entered))
    return raised.value


async def test_wrong_secret_is_refused(home: Home) -> None:
    error = await refusal(home, client_secret="wrong")

    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.CLIENT_REFUSED


async def test_regenerated_secret_is_refused(home: Home) -> None:
    old = home.server.tokens.clients[PRODUCTION].secret
    home.server.regenerate_secret(PRODUCTION)

    error = await refusal(home, client_secret=old)

    assert (type(error), error.reason) == (CredentialsRejected, Reason.CLIENT_REFUSED)


async def test_credentials_of_the_other_environment_are_refused(home: Home) -> None:
    sandbox = home.server.tokens.clients[SANDBOX]

    error = await refusal(home, client_id=sandbox.client_id, client_secret=sandbox.secret)

    assert (type(error), error.reason) == (CredentialsRejected, Reason.CLIENT_REFUSED)


async def test_client_for_another_grant_is_told_so(home: Home) -> None:
    home.server.knobs.grant_allowed = False

    error = await refusal(home)

    assert (type(error), error.reason) == (NotPermitted, Reason.GRANT_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (Status(status=403, body="no"), Unavailable, Reason.BLOCKED),
        (Shape(payload={"error": "invalid_client"}, status=403), Unavailable, Reason.BLOCKED),
        (Status(status=404), UnexpectedResponse, Reason.NOT_FOUND),
        (Html(), UnexpectedResponse, Reason.HTML_PAGE),
        (Html(status=401), Unavailable, Reason.UNCLEAR_REFUSAL),
        (Html(status=403), Unavailable, Reason.BLOCKED),
        (Status(status=503), Unavailable, Reason.SERVER_ERROR),
        (Reset(), Unavailable, Reason.CONNECTION_LOST),
        (Shape(payload={"access_token": ""}), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (rate_limited("7"), RateLimited, Reason.RATE_LIMITED),
        (
            Redirect(url="http://127.0.0.2:9/oauth2/token", status=307),
            UnexpectedResponse,
            Reason.REDIRECTED,
        ),
    ],
)
async def test_trouble_of_the_token_endpoint_asks_for_no_sign_in(
    home: Home, action: Action, kind: type[ApiError], reason: Reason
) -> None:
    home.fail(action, TOKEN)

    error = await refusal(home)

    assert (type(error), error.reason) == (kind, reason)
    assert set(home.asked()) == {TOKEN}


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (Status(status=403, body="no"), Unavailable, Reason.BLOCKED),
        (Shape(payload={}, status=403), NotPermitted, Reason.NOT_PERMITTED),
        (ContentType(content_type="text/html"), UnexpectedResponse, Reason.HTML_PAGE),
        (Status(status=404), UnexpectedResponse, Reason.NOT_FOUND),
        (Redirect(url="http://127.0.0.2:9/users"), UnexpectedResponse, Reason.REDIRECTED),
        (Shape(payload={}, status=401), CredentialsRejected, Reason.INVALID_CREDENTIALS),
    ],
)
async def test_trouble_of_the_api_is_told(
    home: Home, action: Action, kind: type[ApiError], reason: Reason
) -> None:
    home.fail(action, "users")

    error = await refusal(home)

    assert (type(error), error.reason) == (kind, reason)


async def test_trouble_with_the_user_is_told(home: Home) -> None:
    home.fail(Html(), "users/villa-14")

    error = await refusal(home, user_id="villa-14")

    assert error.reason is Reason.HTML_PAGE


async def test_environment_that_does_not_exist_is_refused(home: Home) -> None:
    error = await refusal(home, environment="evil.example/?")

    assert (type(error), error.reason) == (UnexpectedResponse, Reason.INVALID_HOST)
    assert home.asked() == []


async def test_user_id_can_not_leave_its_place(home: Home) -> None:
    assert (await refusal(home, user_id="..")).reason is Reason.INVALID_ID

    await PROVIDER.identify(home.context(user_id="../vehicles?x=1"))

    (request,) = home.sim.journal.requests(provider="enode", origin="api")
    assert request.path == "/production/users/../vehicles?x=1"
    assert request.query == ()
