"""Pages over GraphQL: `first` and `after`, as `limit` and `cursor` over REST."""

from chassis.errors import Invalid
from chassis.paging import PageRequest

DEFAULT_PAGE = 20
LARGEST_PAGE = 100


def page_request(first: int, after: str | None) -> PageRequest:
    """The page that is asked for. Raises `Invalid`."""
    if not 1 <= first <= LARGEST_PAGE:
        raise Invalid(f"first: a page has 1 to {LARGEST_PAGE} items.")
    return PageRequest(first, after)
