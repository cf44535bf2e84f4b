"""What is taken for English, and so judged by rules that were made for it."""

import pytest
from chat.languages import may_be_english


@pytest.mark.parametrize(
    "text",
    [
        "Osmose is de beweging van water in de richting van de hoogste concentratie",
        "Een enzym is een eiwit en het was in de cel",
        "Die Osmose ist die Bewegung von Wasser in die Zelle",
        "In der Zelle was an Wasser so ist, das ist die Osmose",
        "La osmosis es un movimiento de agua en una membrana",
        "Осмос это движение воды",
    ],
)
def test_other_languages_are_none_whatever_small_words_they_share(text: str) -> None:
    assert not may_be_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Osmosis is the movement of water through a membrane",
        "De Gaulle led the free French in exile and was elected in 1958",
        "Los Angeles, Las Vegas and El Paso are cities of the south",
        "Many soldiers die in the war, and a coup d'état or the fin de siècle is on",
        "osmosis",
    ],
)
def test_english_with_foreign_names_is_english(text: str) -> None:
    assert may_be_english(text)
