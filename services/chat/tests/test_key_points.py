"""What an explanation should hold: the key points of a concept, from wherever the material speaks of it."""

from dataclasses import replace

from chat.key_points import key_points

from .builders import passage
from .test_judging import MITOSIS


def test_key_points_stand_in_the_material_and_do_not_repeat_each_other() -> None:
    twice = [MITOSIS, passage(MITOSIS.text)]
    points = key_points("mitosis", twice)
    assert points[0].text == "Mitosis divides a nucleus into two identical nuclei."
    assert len({point.text for point in points}) == len(points)
    for point in points:
        assert twice[point.place.passage - 1].text[point.place.start : point.place.end] == point.text


KITCHEN = passage(
    "Kitchen notes\n\n## Bread and Cake\n\nBread is a food that is baked of flour, water and yeast. Cake is a sweet food that needs eggs and sugar.\n\n"
    "- bread rises because yeast gives off gas\n- cake rises because of beaten eggs or baking powder\n\n"
    "## Stocks\n\nA stock is a liquid in which bones were boiled for hours. Because bones hold gelatine, stock sets when it is cold. "
    "Always skim the stock first, and never let it boil hard."
)


def test_key_points_come_from_where_the_concept_is_spoken_of() -> None:
    points = [point.text for point in key_points("Bread and cake", [KITCHEN])]
    assert points[:2] == [
        "Bread is a food that is baked of flour, water and yeast.",
        "Cake is a sweet food that needs eggs and sugar.",
    ]
    assert "bread rises because yeast gives off gas" in points  # notes end without a full stop
    assert not [text for text in points if "stock" in text]
    stock = [point.text for point in key_points("Gelatine", [KITCHEN])]
    assert stock
    assert not [text for text in stock if "stock" not in text]


def test_concept_that_is_the_title_of_a_document_is_spoken_of_on_all_its_pages() -> None:
    pages = [
        replace(passage(text, page=number), document_title="age-of-sail")
        for number, text in enumerate(
            (
                "Ships of the line carried a hundred guns. Oak was felled for them.",
                "Steam engines ended it after 1840.",
            ),
            1,
        )
    ]
    assert {point.place.passage for point in key_points("The age of sail", pages)} == {1, 2}


def test_what_speaks_to_the_reader_or_tells_a_story_is_the_last_to_be_a_key_point() -> None:
    inflation = passage(
        "Let us look at inflation first, because you know inflation from your own purse. Inflation is a rise of the general level of prices. "
        "As Keynes wrote, “inflation takes from the many and gives to the few, in a manner that nobody sees”. Inflation lowers the worth of savings, "
        "because money buys less. Inflation also helps whoever owes money."
    )
    points = [point.text for point in key_points("Inflation", [inflation])]
    assert points[0].startswith("Inflation is a rise")
    assert all(text.startswith("Inflation") for text in points[:3])
