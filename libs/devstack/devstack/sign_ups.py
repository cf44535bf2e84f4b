"""Sign-ups of tests: all come from one address, and more of them than auth allows in such a time."""

from devstack.redis import Redis

_FORGET = """"local n = 0; for _, key in ipairs(redis.call('KEYS', 'auth:attempts:sign-up-*')) do n = n + redis.call('DEL', key) end; return n\""""


def forget_sign_ups(redis: Redis) -> None:
    """Whoever signs up next is the first."""
    answer = redis.command("EVAL", _FORGET, "0")
    assert answer.startswith(b":"), answer
