"""Access tokens: what is accepted is exactly what auth signs; each attack is one that worked on somebody."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from chassis.tokens import MAXIMUM_LENGTH, SigningKey, TokenRefused, UnknownKey, key_id_of, parse_jwks, verify
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jwt

from .signing import NOW, claims, new_key, pem, published

KEY = new_key()
KEYS = published(KEY)


def check(token: str, *, audience: str = "studyteddy") -> dict[str, Any]:
    return verify(token, KEYS, audience=audience, now=NOW)


def b64(data: bytes | Mapping[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: Mapping[str, Any], said: Mapping[str, Any] | None = None, signature: bytes = b"") -> str:
    return f"{b64(header)}.{b64(said or claims())}.{b64(signature)}"


def with_header(**header: Any) -> str:
    """A token that is rightly signed, over a header that auth never writes."""
    return str(jwt.encode(claims(), KEY.pem, algorithm="ES256", headers={"kid": "one"} | header))


def test_what_auth_signs_is_accepted() -> None:
    said = claims()
    assert check(KEY.sign(said)) == said


def test_the_published_half_is_public() -> None:
    public = KEY.public_jwk()
    assert set(public) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert json.loads(json.dumps(public)) == public


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 1, ["ES256"]])
def test_an_unsigned_token_is_refused(algorithm: object) -> None:
    for signature in (b"", b"x" * 64):
        with pytest.raises(TokenRefused):
            check(forged({"alg": algorithm, "typ": "JWT", "kid": "one"}, signature=signature))


def test_a_token_without_its_signature_is_refused() -> None:
    head, _, _ = KEY.sign(claims()).rpartition(".")
    for token in (head, head + "."):
        with pytest.raises(TokenRefused):
            check(token)


def test_the_public_key_is_no_hmac_secret() -> None:
    private = load_pem_private_key(KEY.pem.encode(), None)
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = [public_pem, public_pem.strip(), json.dumps(KEY.public_jwk()).encode(), b""]
    for algorithm, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        for secret in secrets:
            unsigned = forged({"alg": algorithm, "typ": "JWT", "kid": "one"}).rpartition(".")[0]
            token = f"{unsigned}.{b64(hmac.new(secret, unsigned.encode(), digest).digest())}"
            with pytest.raises(TokenRefused, match="algorithm"):
                check(token)


def test_an_hmac_signature_under_our_algorithms_name_is_refused() -> None:
    private = load_pem_private_key(KEY.pem.encode(), None)
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = forged({"alg": "ES256", "typ": "JWT", "kid": "one"}).rpartition(".")[0]
    token = f"{unsigned}.{b64(hmac.new(public_pem, unsigned.encode(), hashlib.sha256).digest())}"
    with pytest.raises(TokenRefused):
        check(token)


def test_another_key_under_a_known_id_is_refused() -> None:
    with pytest.raises(TokenRefused):
        check(SigningKey("one", pem()).sign(claims()))


def test_an_unknown_key_is_told_apart_so_that_the_set_can_be_fetched() -> None:
    with pytest.raises(UnknownKey):
        check(new_key("two").sign(claims()))


def test_other_algorithms_and_curves_are_refused_although_they_verify() -> None:
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for algorithm, key in (("RS256", rsa_pem.decode()), ("ES384", pem(ec.SECP384R1()))):
        token = jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": "one"})
        with pytest.raises(TokenRefused, match="algorithm"):
            check(token)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": KEY.public_jwk()},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"cty": "JWT"},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
    ],
)
def test_a_token_that_brings_its_key_or_asks_for_more_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused, match="not accepted"):
        check(with_header(**header))


def test_a_key_that_the_token_brings_along_is_not_used() -> None:
    thief = new_key("one")
    token = jwt.encode(claims(), thief.pem, algorithm="ES256", headers={"kid": "one", "jwk": thief.public_jwk()})
    with pytest.raises(TokenRefused):
        check(token)


@pytest.mark.parametrize("key_id", [None, 1, ["one"], {"one": 1}, "../../one", "one\u0000", "", "x" * 200])
def test_a_token_names_its_key_as_auth_does(key_id: object) -> None:
    with pytest.raises(TokenRefused):
        check(with_header(kid=key_id))


def test_a_token_inside_a_token_is_refused() -> None:
    inner = KEY.sign(claims())
    for token in (
        f"{b64({'alg': 'ES256', 'kid': 'one', 'cty': 'JWT'})}.{b64(inner.encode())}.{b64(b'x' * 64)}",
        inner + "." + inner,
    ):
        with pytest.raises(TokenRefused):
            check(token)


def test_an_encrypted_token_of_five_parts_is_refused() -> None:
    with pytest.raises(TokenRefused, match="not a signed token"):
        check(".".join([b64({"alg": "ECDH-ES", "enc": "A128GCM"}), "", "", "", ""]))


def test_an_oversized_token_is_refused_before_it_is_read() -> None:
    long = KEY.sign(claims(padding="x" * MAXIMUM_LENGTH))
    with pytest.raises(TokenRefused, match="longer"):
        check(long)


@pytest.mark.parametrize("deep", ["[" * 2900, '{"a":' * 500, "[" * 900 + "]" * 900])
def test_a_deeply_nested_token_is_refused(deep: str) -> None:
    for token in (
        f"{b64(deep.encode())}.{b64(claims())}.eA",
        f"{b64({'alg': 'ES256', 'kid': 'one'})}.{b64(deep.encode())}.eA",
    ):
        with pytest.raises(TokenRefused):
            check(token)


@pytest.mark.parametrize(
    "audience", ["ingestion", "", None, [], ["chat", "ingestion"], "STUDYTEDDY", {"studyteddy": 1}, 1]
)
def test_a_token_for_somebody_else_is_refused(audience: object) -> None:
    with pytest.raises(TokenRefused):
        check(KEY.sign(claims(aud=audience)))


def test_a_users_token_is_no_services() -> None:
    with pytest.raises(TokenRefused):
        check(KEY.sign(claims()), audience="ingestion")


@pytest.mark.parametrize("issuer", ["evil", "", None, "Studyteddy", ["studyteddy"]])
def test_a_token_of_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(TokenRefused):
        check(KEY.sign(claims(iss=issuer)))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat"])
def test_a_token_without_a_needed_claim_is_refused(name: str) -> None:
    said = claims(**{name: None})
    if name == "iat":
        del said["nbf"]
    with pytest.raises(TokenRefused):
        check(KEY.sign(said))


def test_a_token_expires_to_the_second() -> None:
    expires = int(NOW.timestamp()) + 900
    token = KEY.sign(claims(exp=expires))
    verify(token, KEYS, audience="studyteddy", now=NOW + timedelta(seconds=899))
    with pytest.raises(TokenRefused, match="expired"):
        verify(token, KEYS, audience="studyteddy", now=NOW + timedelta(seconds=900))


def test_a_token_is_not_valid_before_its_time_but_clocks_may_differ_a_little() -> None:
    starts = int(NOW.timestamp())
    check(KEY.sign(claims(nbf=starts + 5)))
    for said in (claims(nbf=starts + 6), claims(nbf=None, iat=starts + 3600)):
        with pytest.raises(TokenRefused, match="not valid yet"):
            check(KEY.sign(said))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["tomorrow", [], {}, 10**30, -(10**30), 1e300, "99999999999"])
def test_times_that_are_no_times_are_refused(name: str, value: object) -> None:
    said = claims(**{name: value})
    if name == "iat":
        del said["nbf"]
    with pytest.raises(TokenRefused):
        check(KEY.sign(said))


@pytest.mark.parametrize("claims_text", ["[]", '"text"', "1", "null", "{", "\u00ff"])
def test_claims_that_are_no_object_are_refused(claims_text: str) -> None:
    unsigned = f"{b64({'alg': 'ES256', 'kid': 'one', 'typ': 'JWT'})}.{b64(claims_text.encode('latin-1'))}"
    private = load_pem_private_key(KEY.pem.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    from jose import jwk  # noqa: PLC0415 - signs what SigningKey would refuse to

    signature = jwk.construct(KEY.pem, "ES256").sign(unsigned.encode())
    with pytest.raises(TokenRefused):
        check(f"{unsigned}.{b64(signature)}")


@settings(max_examples=300)
@given(st.text(max_size=300) | st.from_regex(r"[\w-]{0,80}\.[\w-]{0,80}\.[\w-]{0,80}", fullmatch=True))
def test_whatever_is_sent_is_refused_and_nothing_else_happens(token: str) -> None:
    with pytest.raises(TokenRefused):
        check(token)


@settings(max_examples=300)
@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    token = KEY.sign(claims())
    place = data.draw(st.integers(0, len(token) - 2))  # the last character of each part may hold bits that say nothing
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[place]))
    if token[place + 1] == ".":
        return
    with pytest.raises(TokenRefused):
        check(token[:place] + other + token[place + 1 :])


def test_a_key_set_keeps_only_our_kind_of_key() -> None:
    good = KEY.public_jwk()
    others: list[dict[str, Any]] = [
        {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"},
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "curve", "crv": "P-384"},
        {k: v for k, v in good.items() if k != "kid"},
    ]
    assert set(parse_jwks({"keys": [*others, good]})) == {"one"}
    assert parse_jwks({}) == {}


def test_the_key_id_is_read_without_trusting_anything() -> None:
    assert key_id_of(SigningKey("one", pem()).sign(claims())) == "one"
