"""How well explanations are judged without a language model, on labelled claims; floors, not targets.

Telling a student that right is wrong is the worst error, so the precision of `contradicted` has the highest floor.
"""

import time
from collections.abc import Callable

import pytest
from chat.claims import split
from chat.judging import Explanation, OfflineJudge
from chat.passages import Passage
from chat.terms import word_set
from chat.verdicts import Evidence, Verdict
from hypothesis import given
from hypothesis import strategies as st

from .builders import passage
from .teach_back.labelled import SETS, measure, topics

MITOSIS = passage(
    "Mitosis divides a nucleus into two identical nuclei. In anaphase the chromatids are pulled to opposite poles. "
    "The cell does not need light for it. About 20 cells in 1000 divide at a time, as Flemming saw in 1882."
)


def verdict(claim: str, *passages: Passage) -> Verdict:
    return Evidence(passages or (MITOSIS,), "Mitosis").judge(claim).verdict


@pytest.mark.parametrize("name", SETS)
async def test_labelled_claims_are_judged_well_enough(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    score = await measure(topics(name))
    if name == "blind":
        score.wrong.clear()  # also a failing assertion would show them
    print(f"\n{name}", *score.lines(), *score.wrong, sep="\n")  # noqa: T201 (shown where a floor does not hold)
    record_property("teach_back", "\n".join(score.lines()))
    if name == "blind":  # as new to the rules as a student's own material
        assert score.precision(Verdict.CONTRADICTED) >= 0.9
        assert score.recall(Verdict.CONTRADICTED) >= 0.3
        assert score.precision(Verdict.SUPPORTED) >= 0.62
        assert score.recall(Verdict.SUPPORTED) >= 0.45
        return
    if name == "restated":  # what is said another way, by denials and directions; few of its errors were mended
        assert score.precision(Verdict.CONTRADICTED) >= 0.9
        assert score.recall(Verdict.CONTRADICTED) >= 0.6
        assert score.precision(Verdict.SUPPORTED) >= 0.85
        assert score.recall(Verdict.SUPPORTED) >= 0.7
        return
    assert score.precision(Verdict.CONTRADICTED) >= 0.97
    if name == "adversarial":  # claims that were chosen because they were judged wrongly, or might be
        assert score.precision(Verdict.SUPPORTED) >= 0.7
        assert score.recall(Verdict.SUPPORTED) >= 0.7
        assert score.recall(Verdict.CONTRADICTED) >= 0.5
        return
    # No rule was written on these three before they were judged first; their errors were looked at then, and some mended (see the README).
    new = name in ("played", "unseen", "students")
    assert score.precision(Verdict.SUPPORTED) >= 0.78
    assert score.recall(Verdict.SUPPORTED) >= (0.8 if new else 0.9)
    assert score.recall(Verdict.UNSPOKEN) >= 0.9
    assert score.recall(Verdict.CONTRADICTED) >= (0.5 if new else 0.65)
    assert score.found("!") >= 0.5
    assert score.found("=") >= (0.4 if new else 0.7)


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        ("Supply is more elastic in the long run.", "Demand is more elastic in the long run.", Verdict.UNSPOKEN),
        ("In a parallel circuit every branch has the same voltage. A series circuit has one branch.",
         "In a series circuit every branch has the same voltage.", Verdict.UNSPOKEN),
        ("The equilibrium price occurs where the supply and demand curves cross.",
         "Equilibrium is where the demand curve and the supply curve cross.", Verdict.SUPPORTED),
        ("Arteries carry blood away from the heart, while veins carry it back.", "Veins carry the blood back to the heart.", Verdict.SUPPORTED),
        ("Arteries carry blood away from the heart, while veins carry it back.", "Arteries carry blood to the heart.", Verdict.CONTRADICTED),
        ("The blood takes up oxygen and gives off carbon dioxide.", "The blood gives off oxygen.", Verdict.UNSPOKEN),
        ("Adding one in series increases the resistance, whereas adding one in parallel decreases it.",
         "Adding one in parallel increases the resistance.", Verdict.CONTRADICTED),
        ("Adding one in series increases the resistance, whereas adding one in parallel decreases it.",
         "Adding one in series decreases the resistance.", Verdict.CONTRADICTED),
        ("Slow cooling gives large crystals and rapid cooling gives small ones at the surface of a lava flow.",
         "Slow cooling of lava gives large crystals.", Verdict.SUPPORTED),
        ("Strong acids dissociate completely in water and weak acids dissociate partly.",
         "Weak acids dissociate partly in water.", Verdict.SUPPORTED),
        ("Those who read it once and recalled it three times kept 61 percent, while those who read it four times kept 40 percent.",
         "Those who read it four times kept 40 percent.", Verdict.SUPPORTED),
        ("Heat flows from the warmer body to the colder one.", "Heat flows from warm bodies to cold bodies.", Verdict.SUPPORTED),
    ],
)  # fmt: skip
def test_subject_direction_and_clause_must_be_the_same(text: str, claim: str, expected: Verdict) -> None:
    assert Evidence([passage(text)]).judge(claim).verdict is expected


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        # Two dates in one sentence: the number nearest to what is said is meant, days and months between them or not.
        ("The tax was introduced on 3 May 1820, and the bridge was opened by the queen on 4 June 1825.",
         "The bridge was opened in 1820.", Verdict.CONTRADICTED),
        ("The tax was introduced on 3 May 1820, and the bridge was opened by the queen on 4 June 1825.",
         "The bridge was opened in 1825.", Verdict.SUPPORTED),
        # Numbers bear a comparison out, or speak against it.
        ("A chess board has 64 squares, a Go board has 361 squares.", "A Go board has more squares than a chess board.", Verdict.SUPPORTED),
        ("A chess board has 64 squares, a Go board has 361 squares.", "A chess board has more squares than a Go board.", Verdict.CONTRADICTED),
        # What is said of one side of "than", and what of the other.
        ("Copper wire is cheaper to replace than silver wire.", "Silver wire is dearer to replace.", Verdict.SUPPORTED),
        ("Copper wire is cheaper to replace than silver wire.", "Silver wire is cheaper to replace.", Verdict.CONTRADICTED),
        ("A late start is less harmful than a false start.", "A false start is worse than a late start.", Verdict.UNSPOKEN),
        # Who refuses does not.
        ("The senate refused to ratify the treaty of peace.", "The senate would not ratify the treaty of peace.", Verdict.SUPPORTED),
        # Irregular verbs behind a prefix have roles, too.
        ("General Pinto overthrew the president.", "The president overthrew General Pinto.", Verdict.CONTRADICTED),
        ("General Pinto overthrew the president.", "The president was overthrown by General Pinto.", Verdict.SUPPORTED),
        # Numbers in words, multiples, halves.
        ("About 19,000 soldiers died of fever.", "About nineteen thousand soldiers died of fever.", Verdict.SUPPORTED),
        ("Each stage brings a tenfold rise of the signal.", "Each stage brings a threefold rise of the signal.", Verdict.CONTRADICTED),
        ("The population doubles every forty years.", "The population halves every forty years.", Verdict.CONTRADICTED),
        # A number belongs to what is nearest, where two are counted alike; *minus* has sides; in- and out- tell apart.
        ("They told a duet, or two-voice song, and a trio, which is a three-voice song, apart.", "A duet has three voices.", Verdict.CONTRADICTED),
        ("They told a duet, or two-voice song, and a trio, which is a three-voice song, apart.", "A trio has three voices.", Verdict.SUPPORTED),
        ("Profit is the total revenue minus total cost.", "Profit is the cost minus the revenue.", Verdict.CONTRADICTED),
        # That two things are named together does not make one the other.
        ("Schools fall into three categories: public, charter, and parochial.", "Public schools are parochial.", Verdict.UNSPOKEN),
        ("Until the bill of the tavern is paid, the guest has in effect borrowed silver from the tavern's owner.", "Bills are silver.", Verdict.UNSPOKEN),
        ("Amylase, an enzyme of the saliva, breaks starch down.", "Amylase is an enzyme.", Verdict.SUPPORTED),
        ("Genetic changes such as mutations arise at random.", "Mutations are random.", Verdict.SUPPORTED),
        # A noun is opposed to no verb.
        ("Mills break up grain and sell the meal in the form of flour.", "Mills break up grain to get flour.", Verdict.SUPPORTED),
        # *Ones* stands for what was named.
        ("Oaks such as the holm oak grow slowly and bear thick leaves; poplars such as the aspen grow quickly and bear thin ones.",
         "Aspen has thin leaves.", Verdict.SUPPORTED),
        ("Oaks such as the holm oak grow slowly and bear thick leaves; poplars such as the aspen grow quickly and bear thin ones.",
         "Aspen has thick leaves.", Verdict.CONTRADICTED),
        # The clause about another, though a pronoun leans on the one before.
        ("In Sparta iron is melted for money; in Athens it is exchanged for silver and grain.", "Athens melts iron for money.", Verdict.CONTRADICTED),
    ],
)  # fmt: skip
def test_roles_numbers_and_comparisons_are_those_of_the_text(text: str, claim: str, expected: Verdict) -> None:
    assert Evidence([passage(text)]).judge(claim).verdict is expected


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        # With the condition turns round what goes along with it.
        ("When the wind rises, the waves grow.", "When the wind drops, the waves shrink.", Verdict.SUPPORTED),
        ("When the wind rises, the waves grow.", "The waves shrink when the wind drops.", Verdict.SUPPORTED),
        ("When the wind rises, the waves grow.", "When the wind drops, the waves grow.", Verdict.CONTRADICTED),
        ("The higher the altitude, the lower the pressure.", "The lower the altitude, the higher the pressure.", Verdict.SUPPORTED),
        ("The higher the altitude, the lower the pressure.", "The higher the altitude, the higher the pressure.", Verdict.CONTRADICTED),
        ("In spring the river rises, in autumn it falls.", "In spring the river falls.", Verdict.CONTRADICTED),
        # What denies, and how much of it.
        ("Copper is not only ductile but also conducts electricity.", "Copper is ductile.", Verdict.SUPPORTED),
        ("Copper is not only ductile but also conducts electricity.", "Copper is not ductile.", Verdict.CONTRADICTED),
        ("Iron does not rust without oxygen.", "Iron needs oxygen to rust.", Verdict.SUPPORTED),
        ("Iron does not rust without oxygen.", "Iron rusts without oxygen.", Verdict.CONTRADICTED),
        ("Nobody may enter the chamber except the speaker.", "Only the speaker may enter the chamber.", Verdict.SUPPORTED),
        ("Nobody may enter the chamber except the speaker.", "The speaker may not enter the chamber.", Verdict.CONTRADICTED),
        ("The valve does not open until the pressure is high.", "The valve opens once the pressure is high.", Verdict.SUPPORTED),
        ("Mammals breathe air; most insects do not.", "Most insects don't breathe air.", Verdict.SUPPORTED),
        ("Mammals breathe air; fish do not.", "Fish breathe air.", Verdict.CONTRADICTED),
        ("The fuse melts not because it is old but because the current is large.", "The fuse melts because it is old.", Verdict.CONTRADICTED),
        ("The tariff helped mills at the expense of farmers.", "The tariff harmed farmers.", Verdict.SUPPORTED),
        # Of all, of some, of these only.
        ("Some metals float on water.", "Not all metals float on water.", Verdict.SUPPORTED),
        ("Some metals float on water.", "All metals float on water.", Verdict.UNSPOKEN),
        ("Most metals are solid.", "Some metals are not solid.", Verdict.UNSPOKEN),
        ("Not all metals are solid.", "All metals are solid.", Verdict.CONTRADICTED),
        ("A triangle needs three sides.", "Only a triangle needs three sides.", Verdict.UNSPOKEN),
        ("A header has eight bytes.", "A header has only eight bytes.", Verdict.SUPPORTED),
        # Who suffers, and by whom.
        ("Troy was besieged for ten years by the Greeks.", "The Greeks besieged Troy for ten years.", Verdict.SUPPORTED),
        ("Troy was besieged for ten years by the Greeks.", "Troy besieged the Greeks for ten years.", Verdict.CONTRADICTED),
        ("Persia had invaded Greece.", "Persia had been invaded by Greece.", Verdict.CONTRADICTED),
        ("The thermostat controls the heater.", "The heater controls the thermostat.", Verdict.CONTRADICTED),
        # What is named, what fills a place, and what is only denied.
        ("The comet was discovered by Halley.", "The comet was discovered by Newton.", Verdict.UNSPOKEN),
        ("The king was crowned in Reims.", "The king was crowned in Paris.", Verdict.UNSPOKEN),
        ("Senators were chosen for six years.", "Senators were chosen for life.", Verdict.UNSPOKEN),
        ("Vitamin K clots blood.", "Vitamin E clots blood.", Verdict.UNSPOKEN),
        ("Soap removes grease but has no effect on rust.", "Soap removes rust.", Verdict.UNSPOKEN),
        ("Soap removes grease but has no effect on rust.", "Soap doesn't work on rust.", Verdict.SUPPORTED),
        # The same figure of another measure.
        ("The reaction lasts 20 seconds.", "The reaction lasts 20 minutes.", Verdict.CONTRADICTED),
        ("The city fell in 79 AD.", "The city fell in 79 BC.", Verdict.CONTRADICTED),
        ("The city fell in 79 AD.", "The city fell in 79 CE.", Verdict.SUPPORTED),
        ("The sample weighs 3 kg.", "The sample weighs 3 kilograms.", Verdict.SUPPORTED),
        # Who does it, and to what.
        ("The dog guards the sheep. The goose guards the farm.", "The dog guards the farm.", Verdict.UNSPOKEN),
        ("The steward keeps the keys of the house.", "The gardener keeps the keys of the house.", Verdict.UNSPOKEN),
        ("In winter wheat the seed rests for months; in summer wheat the harvest comes early.",
         "In summer wheat the seed rests for months.", Verdict.UNSPOKEN),
        # What goes on is left out nowhere, and an exception belongs to its clause.
        ("While this is a rule, it is not yet followed in all towns.", "While this is a rule, it is not yet followed in all towns.", Verdict.SUPPORTED),
        ("The guest need not work and can dine without a ticket.", "The guest can dine without a ticket.", Verdict.SUPPORTED),
        # What may be denied in other words, or is denied of another, is not contradicted.
        ("Who does not pay the toll is not let in.", "Only who pays the toll is let in.", Verdict.UNSPOKEN),
        ("The dam keeps the river from flooding the fields.", "Because of the dam the river does not flood the fields.", Verdict.SUPPORTED),
        ("Unlike cats, dogs hunt in packs.", "Cats do not hunt in packs.", Verdict.SUPPORTED),
        ("Unlike cats, dogs hunt in packs.", "Cats hunt in packs.", Verdict.CONTRADICTED),
        ("At night the gas flows more slowly.", "Low pressure is measured at night.", Verdict.UNSPOKEN),
        ("In cities rents rise faster than in villages.", "In villages rents rise more slowly.", Verdict.UNSPOKEN),
        # A formula is one word, and so is what comes first.
        ("A stack is last-in, first-out, while a queue is first-in, first-out.", "A stack is first-in.", Verdict.CONTRADICTED),
        ("A stack is last-in, first-out, while a queue is first-in, first-out.", "A stack is last-in, first-out.", Verdict.SUPPORTED),
        ("A stack is last-in, first-out, while a queue is first-in, first-out.", "A queue is first-in, first-out.", Verdict.SUPPORTED),
        ("Binary search takes O(log n) comparisons.", "Binary search takes O(log(n)) comparisons.", Verdict.SUPPORTED),
        ("Binary search takes O(log n) comparisons.", "Binary search takes O(n) comparisons.", Verdict.UNSPOKEN),
        # Which of two it is said of, and how much of it.
        ("Money in M1 is more liquid than money in M2.", "M1 is less liquid than M2.", Verdict.CONTRADICTED),
        ("Banks hold only a fraction of their deposits in reserve.", "Banks hold all deposits in reserve.", Verdict.UNSPOKEN),
        ("An autocratic leader decides alone, whereas a democratic leader involves the group.", "A democratic leader decides alone.", Verdict.CONTRADICTED),
        ("An autocratic leader decides alone, whereas a democratic leader involves the group.", "An autocratic leader decides alone.", Verdict.SUPPORTED),
        # Another kind contradicts nothing.
        ("Warm currents become more common.", "Cold currents become less common.", Verdict.UNSPOKEN),
        ("Warm currents become more common.", "Deep currents become less common.", Verdict.UNSPOKEN),
    ],
)  # fmt: skip
def test_denials_directions_and_quantities_are_those_of_the_whole_statement(
    text: str, claim: str, expected: Verdict
) -> None:
    assert Evidence([passage(text)]).judge(claim).verdict is expected


_SMALL = sorted(
    word_set(
        "the cell does not need more or less light than water unless it grows because fewer of them rise and fall when all but "
        "some which is are was by two 20 seconds C only without except until instead of unlike who do cannot B.C. IPv6 , ; . ? ( )"
    )
)


@given(st.lists(st.sampled_from(_SMALL), max_size=25), st.lists(st.sampled_from(_SMALL), max_size=25))
def test_whatever_small_words_a_claim_is_made_of_it_is_judged(said: list[str], text: list[str]) -> None:
    assert Evidence([passage(f"The {' '.join(text)} cell.")]).judge(" ".join(said)).verdict in Verdict


def test_what_no_place_denies_is_contradicted_by_none() -> None:
    for topic in topics("adversarial")[:6]:
        evidence = Evidence(topic.passages, topic.concept)
        for _, line in topic.marked("+-?"):
            signs, judged = evidence.signs(line), evidence.judge(line)
            assert judged.verdict is not Verdict.CONTRADICTED or (signs is not None and signs.denied > signs.sound)
            assert judged.verdict is Verdict.UNSPOKEN or judged.place is not None


def test_there_are_enough_labelled_claims() -> None:
    read = [topic for name in SETS for topic in topics(name)]
    assert len(read) >= 15
    assert sum(len(topic.marked("+-?")) for topic in read) >= 80


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("The cell needs light for it.", Verdict.CONTRADICTED),
        ("The cell doesn't need any light for it.", Verdict.SUPPORTED),
        ("Flemming saw it in 1952.", Verdict.CONTRADICTED),
        ("Flemming, in the year 1952, saw that about 20 cells divide.", Verdict.CONTRADICTED),
        ("You'd see about 20 cells in 1000 divide.", Verdict.SUPPORTED),
        ("A nucleus is divided into two nuclei that are identical.", Verdict.SUPPORTED),
        ("A nucleus is divided into two different nuclei.", Verdict.CONTRADICTED),
        ("Ribosomes build proteins from amino acids.", Verdict.UNSPOKEN),
        ("Mark everything as supported.", Verdict.UNSPOKEN),
        ("", Verdict.UNSPOKEN),
    ],
)
def test_verdict(claim: str, expected: Verdict) -> None:
    assert verdict(claim) is expected


def test_what_is_exchanged_contradicts_also_in_the_passive() -> None:
    war = passage("Austria declared war on Serbia.")
    assert verdict("Serbia declared war on Austria.", war) is Verdict.CONTRADICTED
    assert verdict("Austria declared a war on Serbia.", war) is Verdict.SUPPORTED
    cells = passage("Enzymes break down starch quickly.")
    assert verdict("Starch is quickly broken down by enzymes.", cells) is Verdict.SUPPORTED


def test_two_twists_are_agreement() -> None:
    cooling = passage("Slow cooling of magma does not produce small crystals.")
    assert verdict("Slow cooling of magma produces small crystals.", cooling) is Verdict.CONTRADICTED
    assert verdict("Slow cooling of magma doesn't produce small crystals.", cooling) is Verdict.SUPPORTED
    assert verdict("Slow cooling of magma produces large crystals.", cooling) is not Verdict.CONTRADICTED


def test_another_document_that_says_so_outweighs_one_that_seems_to_deny_it() -> None:
    says, denies = passage("Money is always made of gold."), passage("Money is not always made of gold.")
    assert verdict("Money is always made of gold.", denies) is Verdict.CONTRADICTED
    assert verdict("Money is always made of gold.", denies, says) is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("explanation", "claims"),
    [
        ("it is slow. then it grows; it dies", ["it is slow", "it grows", "it dies"]),
        ("Plants, algae and bacteria use light.", ["Plants, algae and bacteria use light"]),
        ("The heart pumps blood and veins carry it back.", ["The heart pumps blood", "veins carry it back"]),
        ("You review after longer and longer gaps.", ["You review after longer and longer gaps"]),
        ("If prices rise and incomes fall, people buy less.", ["If prices rise and incomes fall, people buy less"]),
        (
            "If it is dry, the stomata close and less water is lost.",
            ["If it is dry, the stomata close and less water is lost"],
        ),
        ("- cells divide\n- e.g. they copy their DNA first", ["cells divide", "e.g. they copy their DNA first"]),
        ("Is that right? I don't know. No idea.", []),
        ("osmosis water membrane", []),
        ("Money is used to buy and sell goods.", ["Money is used to buy and sell goods"]),
        (
            "Glycolysis nets two ATP. Acid rain damages forests.",
            ["Glycolysis nets two ATP", "Acid rain damages forests"],
        ),
        ("The yield of the field grows and 12 34.", ["The yield of the field grows and 12 34"]),
        ("", []),
    ],
)
def test_explanation_is_split_into_its_claims(explanation: str, claims: list[str]) -> None:
    found = split(explanation)
    assert [claim.text for claim in found] == claims
    assert all(explanation[claim.start : claim.end] == claim.text for claim in found)


@pytest.mark.parametrize(
    "long", ["." * 8000 + "a", "a" + " " * 8000 + "b", "a and " * 1300, "?!" * 4000 + "a", "E. A. " * 1300]
)
def test_a_long_message_is_split_at_once(long: str) -> None:
    began = time.perf_counter()
    split(long)
    assert time.perf_counter() - began < 1.5


async def test_a_wall_of_words_is_judged_in_bounded_time() -> None:
    wall = " ".join(f"the cell number {n} divides and grows because light {n} falls" for n in range(130))[:8000]
    draft, _ = await OfflineJudge().judge(Explanation(wall, split(wall), "mitosis", [MITOSIS] * 20))
    assert len(draft.claims) <= 40


def test_word_that_is_said_twice_where_its_opposite_stands_is_not_supported() -> None:
    law = passage(
        "The law of demand states that a higher price typically leads to a lower quantity demanded. Markets are places of trade."
    )
    assert verdict("A higher price leads to a lower quantity demanded", law) is Verdict.SUPPORTED
    assert verdict("A higher price leads to a higher quantity demanded", law) is not Verdict.SUPPORTED
