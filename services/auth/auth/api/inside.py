"""What only the mesh reaches: public keys, revocations, tokens for services."""

from typing import Any

from chassis.errors import Forbidden
from chassis.identity import CurrentService
from chassis.revoked_sessions import RevokedSession, RevokedSessionsAnswer
from chassis.service_tokens import ServiceTokenAnswer, ServiceTokenRequest
from fastapi import APIRouter, Response

from auth import access_tokens
from auth.api.parts import PartsDep, WorkDep
from auth.revocations import unexpired

router = APIRouter(include_in_schema=False)


@router.get("/.well-known/jwks.json")
async def read_keys(parts: PartsDep, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys of access tokens."""
    # Shorter than any lead: a cache on the way cannot hide a key until after it signs.
    response.headers["Cache-Control"] = "public, max-age=30"
    return await parts.keys.document()


@router.get("/internal/revocations")
async def list_revocations(_: CurrentService, work: WorkDep) -> RevokedSessionsAnswer:
    """What gateways and chat load before they are ready and after they lost the broker."""
    rows = await unexpired(work.session, work.now)
    return RevokedSessionsAnswer(
        revocations=[RevokedSession(session_id=session_id, tokens_expire_at=at) for session_id, at in rows]
    )


@router.post("/internal/service-tokens")
async def make_service_token(body: ServiceTokenRequest, parts: PartsDep, response: Response) -> ServiceTokenAnswer:
    """A short-lived token for background work of a service that proves itself."""
    response.headers["Cache-Control"] = "no-store"
    parts.service_secrets.require(body.service, body.secret.get_secret_value())
    parts.service_secrets.require_audience(body.audience)
    if body.act_for is not None:
        async with parts.work() as work:
            if not await work.accounts.active(body.act_for):
                raise Forbidden("Nobody acts for this user: there is no such account, or it is suspended.")
    key, now = await parts.keys.signer(), parts.clock()
    expires_at = now + access_tokens.SERVICE_TOKEN_LIFETIME
    token = access_tokens.service_token(
        key, service=body.service, audience=body.audience, act_for=body.act_for, now=now, expires_at=expires_at
    )
    return ServiceTokenAnswer(access_token=token, expires_at=expires_at)
