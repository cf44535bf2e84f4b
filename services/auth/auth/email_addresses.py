"""Addresses of people: one spelling to show, one key to compare."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field


def normalised(written: str) -> str:
    """The address in its normal form (NFC, the domain in lower case); raises `ValueError`.

    No name server is asked: it would make sign-up slow and tell strangers who signs up where.
    """
    try:
        return validate_email(written.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def email_key(written: str) -> str:
    """What two spellings of one address share: Ada@Example.org and ada@example.org are one account."""
    return normalised(written).casefold()


EmailAddress = Annotated[
    str,
    Field(max_length=320, json_schema_extra={"format": "email"}, examples=["ada@example.org"]),
    AfterValidator(normalised),
]
