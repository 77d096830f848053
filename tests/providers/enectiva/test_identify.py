"""Whose account it is, and every way in which it can be nobody's."""

from typing import Any

import pytest

from custom_components.energy_connect.core.account import FieldKind, Identity
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.providers.enectiva import PROVIDER
from simulator.enectiva import CUSTOMER_UUID
from simulator.faults import (
    Action,
    Empty,
    Html,
    Redirect,
    Rewrite,
    Shape,
    Status,
    Truncated,
    rate_limited,
)

from .conftest import Office


async def identity(office: Office, **entered: Any) -> Identity:
    (found,) = await PROVIDER.identify(office.context(**entered))
    return found


async def refusal(office: Office, **entered: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await PROVIDER.identify(office.context(**entered))
    return caught.value


def test_the_wizard_asks_for_the_customer_and_the_login_token() -> None:
    assert [(field.key, field.kind, field.identity) for field in PROVIDER.fields] == [
        ("customer_uuid", FieldKind.TEXT, True),
        ("login_token", FieldKind.SECRET, False),
    ]
    for option in PROVIDER.options[:2]:
        assert option.default == "unknown"
        assert option.choices == ("unknown", "kwh", "mwh", "gj")
    assert PROVIDER.links["dashboard_url"].startswith("https://app.enectiva.cz/")


async def test_an_account_is_named_after_its_top_entity(office: Office) -> None:
    token = office.sim.enectiva.tokens.demo.text
    assert await identity(office) == Identity(
        account_id=CUSTOMER_UUID,
        title="Enectiva Example portfolio",
        data={"customer_uuid": CUSTOMER_UUID, "login_token": token},
    )
    assert [(each.method, each.path) for each in office.asked()] == [
        ("POST", "/access_tokens"),
        ("GET", "/meters"),
        ("GET", "/entities"),
    ]


async def test_what_was_pasted_is_tidied_up(office: Office) -> None:
    token = office.sim.enectiva.tokens.demo.text
    found = await identity(
        office, customer_uuid=f"  {CUSTOMER_UUID.upper()}\n", login_token=f"\t{token}\r\n"
    )
    assert found.account_id == CUSTOMER_UUID
    assert found.data == {"customer_uuid": CUSTOMER_UUID, "login_token": token}


async def test_media_types_are_exact(office: Office) -> None:
    await identity(office)
    exchange, *reads = office.asked()
    assert exchange.content_type == exchange.accept == "application/vnd.api+json"
    assert exchange.scheme is None
    assert {each.accept for each in reads} == {"application/vnd.api+json"}
    assert {each.content_type for each in reads} == {None}


@pytest.mark.parametrize("entered", ["", "acme", "00000000-0000-4000-8000", None, 5])
async def test_a_customer_that_is_no_uuid(office: Office, entered: Any) -> None:
    error = await refusal(office, customer_uuid=entered)
    assert (error.reason, error.detail) == (Reason.INVALID_ID, "customer_uuid")
    assert not office.asked()


@pytest.mark.parametrize("entered", ["", "  ", "two words", "a\nb", "žluť"])
async def test_a_login_token_that_can_be_none(office: Office, entered: str) -> None:
    error = await refusal(office, login_token=entered)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.INVALID_TOKEN_FORMAT
    assert not office.asked()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_another_customer_whatever_the_status_is(office: Office, status: int) -> None:
    office.knobs.bad_credentials = status
    error = await refusal(office, customer_uuid="00000000-0000-4000-8000-000000000bad")
    assert isinstance(error, CredentialsRejected)
    assert (error.reason, error.status) == (Reason.LOGIN_TOKEN_REFUSED, status)


async def test_an_import_token_is_no_login_token(office: Office) -> None:
    error = await refusal(office, login_token=office.sim.enectiva.tokens.import_token)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.LOGIN_TOKEN_REFUSED


async def test_a_refusal_that_quotes_the_credentials_is_not_quoted(office: Office) -> None:
    token = office.sim.enectiva.tokens.demo.text
    said = {"errors": [{"detail": f"{token} of {CUSTOMER_UUID} is revoked"}]}
    office.fault(Shape(payload=said, status=400), "/access_tokens")
    assert (await refusal(office)).detail == "… of … is revoked"


async def test_the_exchange_may_want_the_login_token_as_bearer(office: Office) -> None:
    office.knobs.bearer_on_exchange = True
    await identity(office)
    assert [(each.status, each.scheme) for each in office.asked("/access_tokens")] == [
        (401, None),
        (201, "Bearer"),
    ]


async def test_only_one_more_try_with_the_bearer(office: Office) -> None:
    office.knobs.bad_credentials = 401
    await refusal(office, login_token="0" * 64)
    assert [each.status for each in office.asked()] == [401, 401]


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Status(status=406), UnexpectedResponse, Reason.MEDIA_TYPE_REFUSED),
        (Status(status=415), UnexpectedResponse, Reason.MEDIA_TYPE_REFUSED),
        (Status(status=403, body="forbidden"), Unavailable, Reason.BLOCKED),
        (Status(status=401, body="sign in"), Unavailable, Reason.BLOCKED),
        (Html(status=404), Unavailable, Reason.BLOCKED),
        (Status(status=401), CredentialsRejected, Reason.LOGIN_TOKEN_REFUSED),
        (Status(status=503), Unavailable, Reason.SERVER_ERROR),
        (rate_limited("20"), RateLimited, Reason.RATE_LIMITED),
        (rate_limited(), RateLimited, Reason.RATE_LIMITED),
        (Html(), UnexpectedResponse, Reason.HTML_PAGE),
        (Truncated(), UnexpectedResponse, Reason.NOT_JSON),
        (Empty(), UnexpectedResponse, Reason.NOT_JSON),
        (Shape(payload={"data": {}}), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (Shape(payload=[1]), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (Redirect(url="http://127.0.0.1:1/"), UnexpectedResponse, Reason.REDIRECTED),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/access_tokens", "/meters"])
async def test_what_goes_wrong_is_named(
    office: Office, path: str, fault: Action, kind: type[ApiError], reason: Reason
) -> None:
    office.fault(fault, path)
    if path == "/meters":
        if isinstance(fault, Shape):
            # Without meters in it, but a good answer: the account is there.
            assert (await identity(office)).account_id == CUSTOMER_UUID
            return
        if isinstance(fault, Html) and fault.status == 404:
            kind, reason = UnexpectedResponse, Reason.NOT_FOUND
        if isinstance(fault, Status) and fault.status == 401:
            # The exchange has just proved the credentials good; the renewed token is refused too.
            kind, reason = CredentialsRejected, Reason.INVALID_CREDENTIALS
    error = await refusal(office)
    assert (type(error), error.reason) == (kind, reason)


async def test_nobody_answers(office: Office) -> None:
    await office.sim.enectiva.stop()
    assert (await refusal(office)).reason is Reason.CANNOT_CONNECT


async def test_entities_are_not_needed(office: Office) -> None:
    office.grant("meters")
    assert (await identity(office)).title == "Enectiva 00000000"


@pytest.mark.parametrize("fault", [Status(status=500), Html(), rate_limited()], ids=str)
async def test_broken_entities_do_not_matter(office: Office, fault: Action) -> None:
    office.fault(fault, "/entities")
    assert (await identity(office)).title == "Enectiva 00000000"


async def test_entities_alone_are_enough(office: Office) -> None:
    office.grant("entities")
    assert (await identity(office)).title == "Enectiva Example portfolio"


async def test_neither_meters_nor_entities(office: Office) -> None:
    office.grant("readings")
    error = await refusal(office)
    assert isinstance(error, NotPermitted)
    assert error.reason is Reason.NOT_PERMITTED


async def test_meters_refused_and_entities_broken(office: Office) -> None:
    office.grant("readings")
    office.fault(Status(status=500), "/entities")
    assert (await refusal(office)).reason is Reason.SERVER_ERROR


async def test_nothing_secret_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await identity(office)
    await refusal(office, login_token="0" * 64)
    for secret in (office.sim.enectiva.tokens.demo.text, CUSTOMER_UUID, "0" * 64):
        assert secret not in caplog.text


async def test_an_address_elsewhere_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENERGY_CONNECT_ENECTIVA_API_URL", "https://elsewhere.example")
    assert (await refusal(office)).reason is Reason.INVALID_HOST
    monkeypatch.delenv("ENERGY_CONNECT_ENECTIVA_API_URL")
    account = PROVIDER.open(office.context())
    assert account.diagnostics()["requests_total"] == 0


async def test_token_answers_of_other_forms(office: Office) -> None:
    flat = Rewrite(bend=lambda body: {"data": body["data"]["attributes"]})
    office.fault(flat, "/access_tokens")
    assert (await identity(office)).account_id == CUSTOMER_UUID
