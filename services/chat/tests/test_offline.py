"""The tutor without a model: which sentences answer, and when it finds none."""

import pytest
from chat.markers import Marker
from chat.offline import (
    CANNOT_REWORD,
    NOTHING_MORE,
    NOTICE,
    OTHER_LANGUAGE,
    compose,
    find_answer,
    refusal,
    stands_defined,
)
from chat.passages import Passage
from chat.questions import Kind, defined_subject, read_question

from .builders import passage

MONEY = passage(
    "Commodity versus Fiat Money\nMoney has taken a wide variety of forms in different cultures. Fiat money has no intrinsic value, but is\n"
    "declared by a government to be the legal tender of a country. Countries moved towards the use of fiat money in 1971.\n"
    "By the end of this section, you will be able to: define fiat money.",
    page=3,
)
TRADE = passage(
    "What is fiat money? As economies grew, commodity monies became more cumbersome. People accept a bill because they trust that\n"
    "others will accept it. This is why trust is called the backing of money [12]. Barter is the exchange of goods without money, whereas\n"
    "trade with money needs no double coincidence of wants.",
    page=4,
)
ORGANELLES = passage(
    "The cell has three parts:\n\n- the nucleus\n- the membrane\n- the cytoplasm\n\nEach part has a task.", page=9
)


def answer(question: str, *passages: Passage, about: str | None = None) -> list[str]:
    return [excerpt.text for excerpt in find_answer(read_question(question, about), passages or (MONEY, TRADE))]


def test_definition_is_the_sentence_that_defines_not_the_heading_nor_the_question_nor_the_aim() -> None:
    assert answer("What is fiat money?")[0].startswith(
        "Fiat money has no intrinsic value, but is declared by a government"
    )


def test_reason_brings_the_sentence_with_a_reason() -> None:
    assert (
        answer("Why do people accept a bill?")[0]
        == "People accept a bill because they trust that others will accept it."
    )


def test_time_brings_the_sentence_with_a_date() -> None:
    assert answer("When did countries move to fiat money?")[0].endswith("in 1971.")


def test_reference_marks_of_the_document_are_left_out() -> None:
    (first, *_) = answer("What is the backing of money called?")
    assert "[12]" not in first
    assert "trust is called the backing of money" in first


def test_list_comes_with_its_items() -> None:
    assert answer("Which parts does a cell have?", ORGANELLES)[0] == (
        "The cell has three parts:\n- the nucleus\n- the membrane\n- the cytoplasm"
    )

    numbered = passage(
        "The handshake opens a connection:\n\n1. The client asks.\n2. The server answers.\n\nIt is short."
    )
    assert answer("What does the handshake do?", numbered)[0] == (
        "The handshake opens a connection:\n1. The client asks.\n2. The server answers."
    )


def test_follow_up_answers_what_it_leans_on() -> None:
    assert "because" in answer("and why?", about="What makes people accept a bill? and why?")[0]


@pytest.mark.parametrize(
    "question",
    [
        "What is photosynthesis?",
        "Which term means “a solid of neutral molecules”?",
        "How do cations gain protons?",
        "¿?",
        "the of and",
    ],
)
def test_what_is_not_there_is_not_answered(question: str) -> None:
    assert answer(question) == []


def test_nothing_found_is_no_answer() -> None:
    assert find_answer(read_question("What is money?"), []) == []
    assert find_answer(read_question("What is money?"), [passage(" \n ")]) == []


def test_quote_of_an_excerpt_stands_in_its_passage() -> None:
    for excerpt in find_answer(read_question("What is fiat money?"), [TRADE, MONEY]):
        assert excerpt.quote in (TRADE, MONEY)[excerpt.number - 1].text


def test_composed_answer_cites_each_sentence_and_says_that_it_is_offline() -> None:
    question = read_question("What is money?")
    excerpts = find_answer(question, [MONEY, TRADE])
    pieces = list(compose(excerpts, question))
    assert [piece for piece in pieces if isinstance(piece, Marker)] == [Marker((e.number,), e.quote) for e in excerpts]
    assert str(pieces[-1]).endswith(NOTICE)


@pytest.mark.parametrize(
    ("question", "kind", "subject"),
    [
        ("What is fiat money?", Kind.DEFINITION, "fiat money"),
        ("Explain what is meant by the natural rate.", Kind.DEFINITION, "natural rate"),
        ("What does the term “culture shock” mean?", Kind.DEFINITION, "culture shock"),
        ("define Ceteris paribus!", Kind.DEFINITION, "Ceteris paribus"),
        ("oligopoly", Kind.DEFINITION, "oligopoly"),
        ("and the law of supply?", Kind.DEFINITION, "law of supply"),
        ("Can you explain the marginal cost?", Kind.DEFINITION, "marginal cost"),
        ("How does the money multiplier work?", Kind.DEFINITION, "money multiplier"),
        ("Which term means “a legal minimum price”?", Kind.TERM, None),
        ("The lowering of a class is called ____.", Kind.TERM, None),
        ("What is the difference between barter and trade?", Kind.COMPARISON, None),
        ("Why do prices rise?", Kind.REASON, None),
        ("How many functions does money have?", Kind.QUANTITY, None),
        ("When was the bank founded?", Kind.TIME, None),
        ("Who wrote the essay on population?", Kind.PERSON, None),
        ("Where do firms move their factories?", Kind.PLACE, None),
        ("What are the functions of money?", Kind.LIST, None),
        ("How do banks create money?", Kind.PROCESS, None),
        ("Give me an example of barter.", Kind.EXAMPLE, None),
        ("Is money good?", Kind.OPEN, None),
        ("What is money used for?", Kind.PURPOSE, None),
        ("What's the point of trade?", Kind.PURPOSE, None),
        ("what is produced by the cell?", Kind.OPEN, None),
        ("What are cells made of?", Kind.OPEN, None),
        ("what is fixed cost", Kind.DEFINITION, "fixed cost"),
        ("whats inflation", Kind.DEFINITION, "inflation"),
        ("Explain inflation to me like I am five", Kind.DEFINITION, "inflation"),
    ],
)
def test_kind_of_a_question(question: str, kind: Kind, subject: str | None) -> None:
    read = read_question(question)
    assert (read.kind, read.subjects[:1] if kind is Kind.DEFINITION else ()) == (kind, (subject,) if subject else ())


@pytest.mark.parametrize(
    ("question", "compared"),
    [
        ("What is the difference between primary and secondary groups?", ("primary groups", "secondary groups")),
        ("Compare a monopoly with an oligopoly.", ("monopoly", "oligopoly")),
        ("How do mitosis and meiosis differ?", ("mitosis", "meiosis")),
        ("fiat money vs commodity money", ("fiat money", "commodity money")),
        ("difference between fermentation and aerobic respiration?", ("fermentation", "aerobic respiration")),
        ("What differs?", ()),
    ],
)
def test_compared_things_are_told_apart(question: str, compared: tuple[str, ...]) -> None:
    assert read_question(question).subjects == compared


def test_comparison_defines_both() -> None:
    told = answer("What is the difference between barter and fiat money?")
    assert any(sentence.startswith("Barter is the exchange of goods") for sentence in told)
    assert any(sentence.startswith("Fiat money has no intrinsic value") for sentence in told)


def test_plain_definition_outweighs_the_verdict_of_nearness() -> None:
    assert stands_defined(read_question("What is barter?"), [TRADE])
    assert not stands_defined(read_question("What is a bill?"), [TRADE])
    assert not stands_defined(read_question("Why is there barter?"), [TRADE])


def test_name_that_stands_to_the_letter_outweighs_the_verdict_of_nearness() -> None:
    notes = passage(
        "Selective acknowledgement (SACK) saves time. The side that closes waits in TIME_WAIT, as H2O waits in a pipe."
    )
    assert all(
        stands_defined(read_question(f"What is {name}?"), [notes]) for name in ("SACK", "sack", "TIME_WAIT", "H2O")
    )
    assert not any(
        stands_defined(read_question(f"What is {name}?"), [notes]) for name in ("SYN", "time", "a pipe", "CO2")
    )


def test_formula_that_is_asked_for_is_what_the_thing_is() -> None:
    heart = passage(
        "The heart beats. The ejection fraction is the stroke volume divided by the volume before. It is 60 percent."
    )
    assert answer("What's the ejection fraction formula?", heart)[0].startswith(
        "The ejection fraction is the stroke volume"
    )


def test_sentence_that_points_back_comes_with_what_it_points_to() -> None:
    shock = passage("A traveller may be disoriented by all that is strange. We call this culture shock. It passes.")
    assert answer("What is culture shock?", shock)[0].startswith("A traveller may be disoriented")
    cut = passage("disoriented by all that is strange. We call this culture shock. Next.")
    assert answer("What is culture shock?", cut)[0].startswith("We call this culture shock.")


def test_choices_are_not_what_is_asked() -> None:
    assert "jail" not in read_question("Which of these is a total institution? (a) Jail (b) School").terms
    assert defined_subject("What is the role of the nucleus?") is None


def test_line_that_announces_a_list_defines_nothing() -> None:
    labour = passage(
        "To determine the percentage in the labor force:\n\nStep 1. Divide.\n\nThe labor force is the number of employed plus the unemployed."
    )
    assert answer("What is the labor force?", labour)[0].startswith("The labor force is the number")


def test_who_wants_more_gets_what_was_not_said() -> None:
    told = answer("What is fiat money?")
    more = find_answer(read_question("tell me more", "What is fiat money? tell me more"), (MONEY, TRADE), told[0])
    assert more
    assert told[0] not in [excerpt.text for excerpt in more]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("explain it simpler please", CANNOT_REWORD),
        ("Summarize the document", CANNOT_REWORD),
        ("What topics does this cover?", CANNOT_REWORD),
        ("What's the lecture about?", CANNOT_REWORD),
        ("Can you translate this into German?", CANNOT_REWORD),
        ("Explain it as to a child", CANNOT_REWORD),
        ("And what else?", NOTHING_MORE),
        ("Was ist Arbeitslosigkeit?", OTHER_LANGUAGE),
        ("¿Qué es la oferta?", OTHER_LANGUAGE),
        ("Что такое спрос?", OTHER_LANGUAGE),
        ("What is photosynthesis?", None),
        ("Comment on the law of demand", None),
        ("How do I make a shorter proof?", None),
        ("Explain it", None),
    ],
)
def test_refusal_says_what_the_reason_is(question: str, said: str | None) -> None:
    assert refusal(question) == said
    assert refusal(question, (MONEY, TRADE)) == said


def test_who_asks_in_the_language_of_the_material_is_not_told_to() -> None:
    german = passage(
        "Die Zelle ist die kleinste lebende Einheit eines Organismus. Die DNA liegt in dem Kern der Zelle."
    )
    assert refusal("Was ist ein Atom?", [german]) is None
    assert refusal("Was ist ein Atom?", [MONEY]) == OTHER_LANGUAGE


HISTORY = passage(
    "Robespierre led the Committee of Public Safety during the Terror. After the Terror, the Directory governed for four years. In a coup "
    "General Hoche overthrew the Directory. Louis XVI summoned the estates in 1789. Gavrilo Princip shot Archduke Franz Ferdinand in Sarajevo. "
    "Bulgaria entered the First World War in October 1915. The WHO was founded in 1948. In May 1968 students occupied the Sorbonne."
)
CELL = passage(
    "Digestion in the cell consists of two stages: uptake in the vesicle, and the acid cycle. The acid cycle takes place in the lysosome and "
    "releases amino acids. Uptake does not need calcium. Calcium is the final signal and is bound to a protein. Without calcium the vesicle stays."
)
COINS = passage(
    "Coins are whatever people accept in payment. Coins serve as a medium of exchange. An in-group is a group to which a person belongs. "
    "Most groups are small. William Sumner developed the concepts of in-group and out-group."
)


@pytest.mark.parametrize(
    ("question", "source", "begins"),
    [
        ("What is released by the acid cycle?", CELL, "The acid cycle takes place"),
        ("What are the products of the acid cycle?", CELL, "The acid cycle takes place"),
        ("who was shot in Sarajevo?", HISTORY, "Gavrilo Princip shot"),
        ("whats digestion", CELL, "Digestion in the cell"),
        ("What is the role of calcium?", CELL, "Calcium is the final signal"),
        ("Why is calcium important?", CELL, "Calcium is the final signal"),
        ("What are coins used for?", COINS, "Coins serve as a medium"),
        ("Who introduced in-groups?", COINS, "William Sumner developed"),
        ("What came after the Terror?", HISTORY, "After the Terror"),
        ("Who came after the Directory?", HISTORY, "In a coup General Hoche"),
        ("How did General Hoche come to power?", HISTORY, "In a coup General Hoche"),
        ("When was the WHO founded?", HISTORY, "The WHO was founded"),
        ("What happened in May?", HISTORY, "In May 1968"),
        ("When did Bulgaria enter World War I?", HISTORY, "Bulgaria entered the First World War"),
    ],
)
def test_plain_question_is_answered_by_the_sentence_that_tells(question: str, source: Passage, begins: str) -> None:
    assert answer(question, source)[0].startswith(begins)


@pytest.mark.parametrize(
    "question",
    [
        "What is the colour of the acid cycle?",
        "What is the price of the vesicle?",
        "What is the inventor of the lysosome?",
        "What is the weight of calcium?",
    ],
)
def test_what_the_text_does_not_name_of_a_thing_is_not_answered_by_something_else_of_it(question: str) -> None:
    assert answer(question, CELL) == []


@pytest.mark.parametrize(
    "question",
    ["When did the Second World War begin?", "When did World War II end?", "When did Louis XIV summon the estates?"],
)
def test_another_war_or_king_is_no_answer(question: str) -> None:
    assert answer(question, HISTORY) == []


def test_number_in_a_name_tells_it_from_the_next() -> None:
    addresses = passage("An IPv4 address has 32 bits. It is written in four numbers.")
    assert answer("How many bits does an IPv6 address have?", addresses) == []
    assert answer("How many bits does an IPv4 address have?", addresses)[0].startswith("An IPv4 address has 32 bits.")


def test_what_it_is_for_may_stand_in_the_sentence_behind_it() -> None:
    stack = passage("A stack is a list whose last item is taken out first. It is used to store return addresses.")
    assert "return addresses" in answer("What is a stack used for?", stack)[0]


def test_opposite_kind_of_what_is_asked_is_no_answer() -> None:
    memory = passage("Long-term memory is the memory that holds what was learnt for years. It is large.")
    assert answer("How many items does short-term memory hold?", memory) == []


TABLES = passage(
    "Bridges of the town\n\n| Bridge | Built | Length |\n|---|---|---|\n| North Bridge | 1893 | 214 m |\n| South Bridge | 1931 | 97 m |\n\n"
    "Both bridges were painted green.\n\nTree | Leaf | Wood\nOak | lobed | hard\nLime | heart-shaped | soft",
    page=2,
)


def test_row_of_a_table_is_read_with_the_heads_of_its_columns_and_cited_as_it_stands() -> None:
    (first, *_) = find_answer(read_question("How long is the South Bridge?"), [TABLES])
    assert first.text == "Bridge: South Bridge · Built: 1931 · Length: 97 m"
    assert first.quote in TABLES.text
    assert "1931" in first.quote
    assert answer("Which wood does a lime have?", TABLES)[0] == "Tree: Lime · Leaf: heart-shaped · Wood: soft"
    assert "Tree | Leaf | Wood" not in answer("wood of trees", TABLES)


def test_letter_tells_one_row_from_another() -> None:
    table = passage(
        "Vitamin | Found in\nVitamin B | meat and milk\nVitamin C | lemons and peppers\nVitamin D | fish and eggs"
    )
    for letter, food in (("B", "meat"), ("C", "lemons"), ("D", "fish")):
        assert food in answer(f"What is vitamin {letter} found in?", table)[0]


def test_cell_below_no_head_is_read_alone() -> None:
    table = passage(
        "| | Flow control | Routing |\n|---|---|---|\n| protects | the receiver | nothing |\n| is done by | ends | routers |"
    )
    assert answer("What does flow control protect?", table)[0] == (
        "protects · Flow control: the receiver · Routing: nothing"
    )


def test_word_itself_comes_before_one_that_only_shares_its_stem() -> None:
    ports = passage("Port | Service\n80 | HTTP\n443 | HTTPS\n22 | SSH")
    assert answer("Which port does https use?", ports)[0].startswith("Port: 443")
    assert answer("Which port does HTTP use?", ports)[0].startswith("Port: 80")


def test_sentence_that_completes_what_was_picked_takes_its_place() -> None:
    mail = passage(
        "Postal delivery is the process by which letters reach the houses of a town. It consists of three stages: collecting, sorting and "
        "carrying out. Sorting of mail takes place in a hall and needs no daylight. Private delivery costs two marks a letter, whereas public "
        "delivery costs one. Carrying out ends at noon."
    )
    assert any("collecting, sorting" in text for text in answer("What are the three stages of postal delivery?", mail))


def test_place_brings_the_sentence_that_says_where() -> None:
    moss = passage(
        "Courtship is a dance that ends in mating. It has three parts: display, sorting and mating. Sorting takes place in a clearing and needs no song."
    )
    assert answer("Where does sorting happen?", moss)[0].startswith("Sorting takes place in a clearing")


def test_who_and_when_of_what_nothing_is_said_are_not_answered_by_what_it_is() -> None:
    sonar = passage(
        "Sonar is a technique that locates objects under water by their echo. Ships use sonar to find shoals."
    )
    assert answer("Who invented sonar?", sonar) == []
    assert answer("When was sonar invented?", sonar) == []
    assert answer("Who uses sonar?", sonar) != []


def test_definition_in_an_aside_between_dashes_comes_first() -> None:
    text = passage(
        "Villages often engage in the potlatch system. Potlatch—literally giving away all that one has—is a feast of rank."
    )
    assert answer("What is potlatch?", text)[0].startswith("Potlatch—literally")
