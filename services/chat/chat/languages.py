"""Whether a text is English, which the rules of what works without a language model are made for."""

import re
import unicodedata

from chat.terms import STOP_WORDS, word_set, words

_FEWEST_WORDS = 6
_LEAST_SHARE = 0.15
_MOST_FOREIGN = 0.3
# Small words that English has not, of languages that share some with it: *in*, *is*, *was*, *of*. Written small: names begin with them, too.
_ELSEWHERE = word_set(
    """de het een van en zijn wordt worden niet dat met voor ook uit naar bij er die der das und ist ein eine einer nicht mit von zu den
    dem des wird sind auf für le la les une est et dans qui que pour sont du au sur el los las un una y del por son se il che di della
    sono per gli nel os um uma não é"""
)
_SMALL = re.compile(r"(?<!\w)[^\W\d_A-Z]+(?!\w)")
_FEWEST_ELSEWHERE = 2


def may_be_english(text: str) -> bool:
    """False where the letters or the small words say that it is not; of a few words nothing can be said."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if letters and foreign > _MOST_FOREIGN * len(letters):
        return False
    said = words(text)
    english = sum(word in STOP_WORDS for word in said)
    elsewhere = sum(word in _ELSEWHERE for word in _SMALL.findall(text))
    if elsewhere >= max(_FEWEST_ELSEWHERE, english):
        return False
    return len(said) < _FEWEST_WORDS or english >= _LEAST_SHARE * len(said)
