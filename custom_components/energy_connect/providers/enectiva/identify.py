"""Whose account a login token opens."""

from ...core.account import Context, Identity
from ...core.errors import ApiError, NotPermitted
from .connection import Connection, connect
from .documents import read
from .parse import entities, top_name
from .token import credentials


async def identify(context: Context) -> list[Identity]:
    """Exchange the login token and ask for the first page of meters.

    Raises:
        UnexpectedResponse: the customer is no UUID (`INVALID_ID`), or the answer is unusable.
        CredentialsRejected: the login token and the customer do not belong together, or the token
            is no login token.
        NotPermitted: the login token shows neither meters nor entities.
        ApiError: any other failure on the way.

    """
    who = credentials(context.data.get("customer_uuid"), context.data.get("login_token"))
    connection = connect(context, who, at_setup=True)
    refused: NotPermitted | None = None
    try:
        read((await connection.api.get("meters")).json())
    except NotPermitted as error:
        refused = error
    try:
        name = await _name(connection)
    except ApiError as error:
        # Entities are optional, unless they are all that there is.
        if refused is not None:
            raise (refused if isinstance(error, NotPermitted) else error) from None
        name = None
    return [
        Identity(
            account_id=who.customer_uuid,
            title=f"Enectiva {name or who.customer_uuid[:8]}",
            data={"customer_uuid": who.customer_uuid, "login_token": who.login_token},
        )
    ]


async def _name(connection: Connection) -> str | None:
    """Return the name of the entity at the top of the first page."""
    response = await connection.api.get("entities")
    return top_name(entities(read(response.json()).rows).rows)
