"""Whose account it is, and withdrawing a sign-in."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from ...core.account import Context, Grant, Identity
from ...core.errors import ApiError, NotPermitted, Reason, UnexpectedResponse
from ...core.oauth import parse_token_answer
from ...core.payload import Json, dig, identifier, text
from ...core.rotation import RotatingToken
from .access import DEVICE_SCOPES, USER_ID, Access, open_access, seed_access
from .authorization import CLIENT_ID, CLIENT_SECRET, REVOKE_PATH, new_budget, token_endpoint
from .household import parse_user, parse_users
from .parse import Parsed, link_id, parse_rows

_NAME: Final = "ev.energy"
# The things whose owner can tell who the user is.
_OWNED: Final = ("vehicles", "evses")


async def identify(context: Context) -> list[Identity]:
    """Try the credentials, or the sign-in, and tell whose accounts they open.

    Raises:
        CredentialsRejected: client id or secret are wrong, or the sign-in is not good.
        NotPermitted: the application lacks the scopes that are needed.
        ApiError: anything else.

    """
    if context.grant is not None:
        return [await _signed_in(context, context.grant)]
    return await _users(context)


async def forget(context: Context) -> None:
    """Withdraw the sign-in: of the refresh token, since its end is the access token's too.

    Client credentials leave nothing to withdraw. Failures don't matter: nobody can mend them.
    """
    grant = context.grant
    if grant is None:
        return
    endpoint = token_endpoint(context, new_budget(context))
    try:
        token = await RotatingToken(endpoint, grant, context.clock).refresh_token()
        if token is not None:
            form = {"token": token, "token_type_hint": "refresh_token"}
            await endpoint.post(*REVOKE_PATH, form=form)
    except ApiError:
        pass


async def _signed_in(context: Context, grant: Grant) -> Identity:
    answer = parse_token_answer(grant.seed)
    _check_scope(answer.scope)
    access = seed_access(context, answer.access_token)
    try:
        user = parse_user((await access.get("users", "me")).json())
    except NotPermitted:
        user = None
    except UnexpectedResponse as error:
        if error.status != 404:
            raise
        user = None
    if user is not None:
        return Identity(account_id=user.id, title=user.title, data={})
    resource: str | None = None
    for path in _OWNED:
        owners = await _owners(access, path)
        if found := sorted(owner for owner in owners.values() if owner):
            return Identity(account_id=found[0], title=_NAME, data={})
        resource = resource or min(owners, default=None)
    if resource is None:
        return Identity(account_id=None, title=_NAME, data={})
    # The client id tells two applications apart, the resource two people.
    digest = sha256(f"{grant.client_id}\n{resource}".encode()).hexdigest()
    return Identity(account_id=digest[:32], title=_NAME, data={})


async def _users(context: Context) -> list[Identity]:
    """Return the users of an application that asks in its own name."""
    access = open_access(context)
    await access.authorise()
    _check_scope(access.scope)
    try:
        listing = await access.read_list("users", parse=parse_users)
        titles = {user.id: user.title for page in listing.rows for user in page.rows}
    except NotPermitted as error:
        titles = dict(await _users_of_vehicles(access))
        if not titles:
            raise NotPermitted(
                Reason.MISSING_SCOPES, status=error.status, detail="user:read"
            ) from error
    if not titles:
        raise UnexpectedResponse(Reason.NO_ACCOUNT)
    kept = {key: str(context.data[key]).strip() for key in (CLIENT_ID, CLIENT_SECRET)}
    return [
        Identity(account_id=user_id, title=title, data={**kept, USER_ID: user_id})
        for user_id, title in titles.items()
    ]


async def _users_of_vehicles(access: Access) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    for path in _OWNED:
        found = await _owners(access, path)
        owners |= {owner: owner for owner in found.values() if owner}
    return owners


async def _owners(access: Access, path: str) -> Mapping[str, str | None]:
    """Return the ids of things with the ids of their users; nothing if the list is refused."""
    try:
        listing = await access.read_list(path, parse=_parse_owners)
    except NotPermitted:
        return {}
    except UnexpectedResponse as error:
        # Some lists can't be read without naming a user (400).
        if error.status not in {400, 404}:
            raise
        return {}
    return dict(pair for page in listing.rows for pair in page.rows)


def _parse_owners(body: Json) -> Parsed[tuple[str, str | None]]:
    def owner(row: Json) -> tuple[str, str | None] | None:
        thing = identifier(dig(row, "id"))
        return None if thing is None else (thing, text(link_id(dig(row, "user"))))

    return parse_rows(body, owner)


def _check_scope(scope: frozenset[str] | None) -> None:
    """Refuse an application whose scopes show nothing, if the provider names them."""
    if scope is not None and not scope & DEVICE_SCOPES:
        raise NotPermitted(Reason.MISSING_SCOPES, detail=", ".join(sorted(DEVICE_SCOPES)))
