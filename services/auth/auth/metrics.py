"""What an operator watches of auth."""

from prometheus_client import Counter, Gauge, Histogram

SIGN_INS = Counter("auth_sign_ins_total", "Attempts to sign in, by outcome", ["outcome"])
SIGN_UPS = Counter("auth_sign_ups_total", "Attempts to sign up, by outcome", ["outcome"])
REFRESHES = Counter("auth_refreshes_total", "Uses of refresh tokens, by outcome", ["outcome"])
MAILS_REQUESTED = Counter("auth_mails_requested_total", "Mails with a link that were asked for, by kind", ["kind"])
REVOKED = Counter("auth_sessions_revoked_total", "Sessions revoked, by reason", ["reason"])
ATTEMPTS_REFUSED = Counter("auth_attempts_refused_total", "Attempts refused by a limit", ["limit"])
LEDGER_AWAY = Counter(
    "auth_attempts_without_redis_total", "Attempts counted by this process alone: Redis did not answer"
)
HASH_SECONDS = Histogram(
    "auth_password_hash_seconds",
    "Time until a password was hashed or checked, waiting included",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HASHES_WAITING = Gauge("auth_password_hashes_in_progress", "Passwords being hashed or waiting for it")
KEY_AGE = Gauge("auth_signing_key_age_seconds", "Age of the key that signs access tokens")
