"""Whether a text is English, which the rules of what works without a language model are made for."""

import unicodedata

from chat.terms import STOP_WORDS, words

_FEWEST_WORDS = 6
_LEAST_SHARE = 0.15
_MOST_FOREIGN = 0.3


def may_be_english(text: str) -> bool:
    """False where the letters or the small words say that it is not; of a few words nothing can be said."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if letters and foreign > _MOST_FOREIGN * len(letters):
        return False
    said = words(text)
    return len(said) < _FEWEST_WORDS or sum(word in STOP_WORDS for word in said) >= _LEAST_SHARE * len(said)
