"""Options of decks in a package, as far as decks of ours have the same: new decks take them over, where they can be ours.

Anki's own defaults are left out: a package without options says the same.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from flashcard.anki.protobuf import fields_of
from flashcard.scheduling import DeckOptions

# Of Anki's decks, by the names of our options.
Options = Mapping[str, Any]

_ANKIS: Options = {
    "new_per_day": 20,
    "reviews_per_day": 200,
    "learning_steps": [1, 10],
    "relearning_steps": [10],
    "retention": 0.9,
    "longest_interval": 36500,
    "leech_lapses": 8,
}
_WORDS = {
    "new_per_day": "{:g} new cards a day",
    "reviews_per_day": "{:g} reviews a day",
    "retention": "retention {:g}",
    "longest_interval": "intervals of {:g} days at most",
    "leech_lapses": "leeches after {:g} lapses",
}
_MOST_STEPS, _BEYOND_REASON = 10, 1e9


def of_json(decks: Mapping[str, Mapping[str, Any]], presets: Mapping[str, Mapping[str, Any]]) -> Mapping[int, Options]:
    """Those of schema 11, by the deck's number. Raises what a stranger's JSON makes it raise."""
    found = {}
    for number, deck in decks.items():
        preset = presets.get(str(deck.get("conf")), {})
        new, review, lapse = (preset.get(part, {}) for part in ("new", "rev", "lapse"))
        said = {
            "new_per_day": _said(deck.get("newLimit"), new.get("perDay")),
            "reviews_per_day": _said(deck.get("reviewLimit"), review.get("perDay")),
            "learning_steps": new.get("delays"),
            "relearning_steps": lapse.get("delays"),
            "retention": _said(_hundredth(deck.get("desiredRetention")), preset.get("desiredRetention")),
            "longest_interval": review.get("maxIvl"),
            "leech_lapses": lapse.get("leechFails"),
        }
        found[int(number)] = _own(said)
    return found


def of_tables(decks: Iterable[Sequence[Any]], presets: Iterable[Sequence[Any]]) -> Mapping[int, Options]:
    """Those of schema 18, of rows of `id, kind` and `id, config`, which are protocol buffers: DeckKind and DeckConfig.Config. Raises
    what a stranger's make it raise."""
    by_preset = {number: dict(fields_of(config)) for number, config in presets}
    found = {}
    for number, kind in decks:
        normal = dict(fields_of(kind)).get(1)
        if not isinstance(normal, bytes):  # a filtered deck has none
            continue
        deck = dict(fields_of(normal))
        preset = by_preset.get(deck.get(1))
        if preset is None:
            continue
        said = {
            "new_per_day": deck.get(7, preset.get(9, 0)),
            "reviews_per_day": deck.get(6, preset.get(10, 0)),
            "learning_steps": _floats(preset.get(1)),
            "relearning_steps": _floats(preset.get(2)),
            "retention": next(iter(_floats(deck.get(10, preset.get(37)))), None),
            "longest_interval": preset.get(16),
            "leech_lapses": preset.get(22, 0),
        }
        found[number] = _own(said)
    return found


def taken_over(own: Options, fresh: DeckOptions) -> DeckOptions:
    """The options of a deck that comes with these of its own. Of the algorithm the package can only be guessed; what a deck here cannot have
    stays as in a fresh one, too."""
    for name, value in own.items():
        if name != "algorithm":
            with suppress(ValidationError):
                fresh = DeckOptions.model_validate(fresh.model_dump() | {name: value})
    return fresh


def in_words(name: str, value: Any) -> str:
    """An option, in a sentence."""
    if not isinstance(value, list):
        return _WORDS[name].format(value)
    kind, steps = name.removesuffix("_steps"), ", ".join(f"{step:g}" for step in value[:_MOST_STEPS])
    return f"{kind} steps of {steps} minutes" if steps else f"no {kind} steps"


def _own(said: Options) -> Options:
    """What is said and is not Anki's default."""
    read = {
        name: [_number(step) for step in value] if isinstance(value, list) else _number(value)
        for name, value in said.items()
        if isinstance(value, list) is isinstance(_ANKIS[name], list)
    }
    return {
        name: value
        for name, value in read.items()
        if value is not None and value != _ANKIS[name] and not (isinstance(value, list) and None in value)
    }


def _number(value: Any) -> float | None:
    """The number, if it is one and within reason; digits beyond those of a `float` of protocol buffers are no matter."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _BEYOND_REASON:
        return None
    return round(value, 3)


def _hundredth(percent: Any) -> float | None:
    return percent / 100 if percent is not None else None


def _said(of_deck: Any, of_preset: Any) -> Any:
    return of_preset if of_deck is None else of_deck


def _floats(packed: int | bytes | None) -> list[float]:
    return [number for (number,) in struct.iter_unpack("<f", packed)] if isinstance(packed, bytes) else []
