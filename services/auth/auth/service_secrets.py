"""Services prove themselves with a secret, once in a few minutes, and get a token for it."""

import hmac
import secrets
from collections.abc import Mapping

from chassis.errors import Invalid, Unauthorized


class ServiceSecrets:
    """Who may ask for service tokens, and for which audiences."""

    def __init__(self, secret_by_service: Mapping[str, str]) -> None:
        self._secrets = secret_by_service
        self._nobody = secrets.token_urlsafe()

    def require(self, service: str, secret: str) -> None:
        """Raise `Unauthorized` unless the secret is the service's. Takes as long for an unknown service."""
        known = self._secrets.get(service, self._nobody)
        if not hmac.compare_digest(known.encode(), secret.encode()):
            raise Unauthorized(
                "Service and secret do not belong together. Compare AUTH_SERVICE_SECRETS with the service's own."
            )

    def require_audience(self, audience: str) -> None:
        """Raise `Invalid` unless the audience is a service: nobody gets a token here that passes for a user's."""
        if audience not in self._secrets:
            raise Invalid(f"audience: use one of {', '.join(sorted(self._secrets))}.")
