"""What a student says of a recall: one of four buttons, or SuperMemo's quality from 0 to 5."""

from enum import IntEnum
from typing import Literal

RatingName = Literal["again", "hard", "good", "easy"]


class Rating(IntEnum):
    """The four buttons, with the numbers that Anki and FSRS give them."""

    AGAIN = 1
    HARD = 2
    GOOD = 3
    EASY = 4

    @property
    def label(self) -> RatingName:
        """The button's name in the API."""
        names: tuple[RatingName, ...] = ("again", "hard", "good", "easy")
        return names[self - 1]

    @property
    def quality(self) -> int:
        """The quality that stands for the button: 3 is the least that counts as recalled."""
        return {Rating.AGAIN: 1, Rating.HARD: 3, Rating.GOOD: 4, Rating.EASY: 5}[self]


def rating_named(name: RatingName) -> Rating:
    """The button with this name."""
    return Rating[name.upper()]


def rating_of(quality: int) -> Rating:
    """The button that stands for a quality of 0 to 5: below 3 it was not recalled."""
    if quality < 3:
        return Rating.AGAIN
    return {3: Rating.HARD, 4: Rating.GOOD, 5: Rating.EASY}[quality]
