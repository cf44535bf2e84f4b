"""How many tokens a text costs: counted where the model's ranks are on this machine, else estimated and said to be so."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tiktoken
from tiktoken.model import encoding_name_for_model

_RANKS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
_UNKNOWN_MODEL = "o200k_base"
_PIECE = re.compile(r"\w+|[^\w\s]")


class TokenCounter(Protocol):
    """Counts tokens; `estimates` says whether it only guesses."""

    @property
    def estimates(self) -> bool: ...

    def count(self, text: str) -> int: ...


class EstimatedTokens:
    """A guess that is meant to be a little too high: a budget that is kept by it is kept."""

    estimates = True

    def count(self, text: str) -> int:
        """Tokens of the text, about."""
        return sum(map(_tokens_of, _PIECE.findall(text)))


def _tokens_of(piece: str) -> int:
    characters, size = len(piece), len(piece.encode(errors="replace"))
    if size == characters:
        if any(character.isdigit() for character in piece):
            return (3 * characters + 4) // 5
        return 1 + (characters - 1) // 6
    return (size + 3) // 4 if size < 2.5 * characters else characters


@dataclass(frozen=True)
class CountedTokens:
    """tiktoken's own count. For a model that is not OpenAI's its newest encoding stands in."""

    encoding: tiktoken.Encoding
    estimates: bool

    def count(self, text: str) -> int:
        """Tokens of the text; what looks like a control token is text."""
        return len(self.encoding.encode_ordinary(text))


def token_counter(model: str | None) -> TokenCounter:
    """Counts if the ranks lie in TIKTOKEN_CACHE_DIR. tiktoken itself would fetch what is not there, and wait for a network."""
    try:
        name, known = encoding_name_for_model(model or ""), True
    except KeyError:
        name, known = _UNKNOWN_MODEL, False
    if not _ranks_are_here(name):
        return EstimatedTokens()
    return CountedTokens(tiktoken.get_encoding(name), estimates=not known)


def _ranks_are_here(name: str) -> bool:
    folder = os.environ.get("TIKTOKEN_CACHE_DIR")
    if not folder or name not in _SHA256:
        return False
    # The file's name in the cache is tiktoken's own choice.
    ranks = Path(folder) / hashlib.sha1(_RANKS.format(name).encode(), usedforsecurity=False).hexdigest()
    return ranks.is_file() and hashlib.sha256(ranks.read_bytes()).hexdigest() == _SHA256[name]
