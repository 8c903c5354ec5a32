"""Sentences and fragments of single replies: what is cut where, and what each holds of the reply."""

from __future__ import annotations

import pytest

from assistant.config import Speech
from assistant.text.fragments import FragmentCutter, fragments_of

SPEECH = Speech(
    voice="af_heart", speed=1.0, first_fragment_s=2.0, max_fragment_s=4.0, sentence_gap_ms=250, clause_gap_ms=100
)
WHOLE = SPEECH.model_copy(update={"first_fragment_s": 4.0, "max_fragment_s": 10.0})


def written(reply: str, speech: Speech = SPEECH, language: str = "en") -> list[str]:
    """The reply cut into the fragments' written spans."""
    return [reply[fragment.start : fragment.end] for fragment in fragments_of(reply, speech, language)]


def spoken(reply: str, language: str = "en") -> list[str]:
    return [fragment.text for fragment in fragments_of(reply, SPEECH, language)]


def sentences(reply: str, language: str = "en") -> list[str]:
    """The reply cut where sentences end; clauses are joined again."""
    found = [""]
    for fragment in fragments_of(reply, WHOLE, language):
        found[-1] += reply[fragment.start : fragment.end]
        found += [""] if fragment.ends_sentence else []
    return [sentence for sentence in found if sentence]


@pytest.mark.parametrize(
    "reply",
    [
        "It is warm. |It will rain! |Will it? |Yes.",
        "Dr. Smith met Mrs. Jones and Prof. Lee. |They left.",
        "J. R. R. Tolkien and C.S. Lewis wrote. |So did I. |Then we read.",
        "Take vitamin C. |It helps.",
        "It costs $3.50 or 3.5 euros. |It is cheap.",
        "Use e.g. apples, i.e. fruit, vs. meat etc. for lunch. |Enjoy.",
        "We ate apples, pears, etc. |Then we left.",
        "At 5 p.m. we go. |At 6 p.m. they go. |It is 7 p.m. |Now go.",
        "The U.S. Army has a Ph.D. program. |He has a Ph.D. |She too.",
        "No. 5 is alive. |No. |It was in 2023. |Then see p. 12.",
        "Visit www.example.com. |Or mail me@example.com! |See file.txt. |Python 3.11 is out.",
        "Wait... what is it... |Well… we know. |OK.",
        "“Really?” she asked. |He said: “Yes!” |They left.",
        "(It is true.) |It is [so]. |\"Go.\" |'Stop.'",
        "Mr. Lee lives at 12 Main St. in St. Louis. |He moved on Jan. 5. |It was cold.",
        "1. Mix it. |2. Bake it for approx. 20 minutes. |3. Eat.",
        "- One\n|- Two\n\n|# Title\n|Text\n\n|More",
        "Yahoo! is a firm. |Really?! |Yes!! |Good.",
        "Hi!|How are you? |Fine.",
        "They met at 5. |It was late, at 20 min. |Then they left.",
    ],
)
def test_where_english_sentences_end(reply: str) -> None:
    """A full stop ends a sentence unless it belongs to the word; a line of a list is one."""
    assert sentences(reply.replace("|", "")) == reply.split("|")


@pytest.mark.parametrize(
    ("language", "reply"),
    [
        ("zh", "今天天气很好，我们去公园吧。|明天呢？|好！"),
        ("ja", "「今日は。」|元気ですか？|はい。"),
        ("hi", "यह एक वाक्य है। |दूसरा वाक्य।"),
        ("ar", "مرحبا، كيف حالك؟ |أنا بخير."),
        ("el", "Γεια σου. |Τι κάνεις;"),
        ("ru", "Привет. |Как дела? |Хорошо!"),
        ("es", "¿Qué tal? |¡Bien!"),
        ("ko", "안녕하세요. |잘 지내세요?"),
    ],
)
def test_where_sentences_of_other_scripts_end(language: str, reply: str) -> None:
    """Full stops, question marks and dandas of other scripts, with or without spaces."""
    assert sentences(reply.replace("|", ""), language) == reply.split("|")


def test_a_sentence_that_ends_soon_is_the_first_fragment() -> None:
    """The sooner something is out the better; a whole sentence sounds best."""
    assert written("Sure! I set a timer for ten minutes. Anything else?") == [
        "Sure! ", "I set a timer for ten minutes. ", "Anything else?",
    ]  # fmt: skip


def test_the_first_fragment_ends_at_a_clause() -> None:
    """At a comma from half of first_fragment_s on, at a conjunction from the whole."""
    assert (
        written("The capital of France is Paris, which is also its largest city.")[0]
        == "The capital of France is Paris, "
    )
    assert (
        written("Well, the capital of France is Paris, which is large.")[0] == "Well, the capital of France is Paris, "
    )
    assert written("You can bring an umbrella and a raincoat because it may rain in the afternoon.")[0] == (
        "You can bring an umbrella and a raincoat "
    )


def test_later_fragments_are_whole_sentences_where_they_fit() -> None:
    """A comma does not cut a sentence of less than max_fragment_s once speech is under way."""
    reply = "I set a timer for ten minutes. After that, I will ring twice, and then stop."
    assert written(reply)[1:] == ["After that, I will ring twice, and then stop."]


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    """Punctuation before conjunctions before prepositions before any word, never after "the" or "of"."""
    start = "I have set that timer for you now. "
    assert written(start + "The old man walked along the river, sat down under a tree and read a long book there.")[
        1:
    ] == [
        "The old man walked along the river, ",
        "sat down under a tree and read a long book there.",
    ]
    assert written(start + "The very old man walked slowly down to the river bank and sat under a tall green tree.")[
        1:
    ] == [
        "The very old man walked slowly down to the river bank ",
        "and sat under a tall green tree.",
    ]


def test_what_is_long_only_when_spoken_is_cut_too() -> None:
    """ "2023-01-01" is one written word and more than two seconds aloud."""
    dates = "They met on 2023-01-01 and 2023-01-02 and 2023-01-03 and 2023-01-04."
    assert written(dates) == ["They met on 2023-01-01 ", "and 2023-01-02 ", "and 2023-01-03 ", "and 2023-01-04."]


def test_words_without_any_punctuation_are_cut_between_words() -> None:
    """No fragment is unbounded, and no word is cut."""
    parts = written("word " * 60)
    assert len(parts) >= 5
    assert set("".join(parts).split()) == {"word"}
    assert all(part.endswith(" ") for part in parts)


def test_chinese_and_thai_are_cut_between_characters() -> None:
    """They have no spaces, and must neither be one word nor be given to the voice with spaces."""
    assert len(written("天" * 60, language="zh")) > 3
    assert spoken("今天天气很好。明天呢？", language="zh") == ["今天天气很好.", "明天呢?"]
    assert spoken("สวัสดีครับ", language="th") == ["สวัสดีครับ."]


def test_the_spans_hold_what_is_not_spoken() -> None:
    """Code between two sentences belongs to the second, what follows the last to nobody's words."""
    reply = "Here is the code:\n```py\nx = 1\n```\nIt is short. 🎉"
    assert written(reply) == ["Here is the code:\n", "```py\nx = 1\n```\nIt is short. 🎉"]


def test_code_at_the_end_comes_after_the_last_fragment() -> None:
    """Speech does not wait for the code to be written."""
    cutter = FragmentCutter(SPEECH)
    (fragment,) = cutter.feed("Here is the code:\n\n```py\n")
    assert fragment.text == "Here is the code."
    assert cutter.feed("x = 1\n```\n") + cutter.finish() == []


@pytest.mark.parametrize("reply", ["", " \n", "🎉", "```py\nx = 1\n```", "<think>hm</think>", "...", "**", "---"])
def test_a_reply_with_nothing_to_say_has_no_fragment(reply: str) -> None:
    """The caller copes."""
    assert written(reply) == []


def test_a_sentence_is_out_with_the_first_letter_of_the_next() -> None:
    """And before it: a full stop may be a decimal point or belong to an abbreviation."""
    cutter = FragmentCutter(SPEECH)
    assert cutter.feed("It is done.") == []
    assert cutter.feed(" ") == []
    assert [fragment.text for fragment in cutter.feed("W")] == ["It is done."]


def test_thinking_that_only_ends_is_not_spoken() -> None:
    """A template may have opened the block; what is not out yet is dropped."""
    cutter = FragmentCutter(SPEECH, thinking=True)
    assert cutter.feed("I must be short.") == []
    assert [fragment.text for fragment in cutter.feed("</think>Hello there.") + cutter.finish()] == ["Hello there."]
    assert spoken("I must be</think>Hello there.") == ["Hello there."]


def test_a_heard_word_gives_the_prefix_of_the_reply_that_was_heard() -> None:
    """History is cut to these; "$3.50" was heard with its last word."""
    reply = "It costs **$3.50** at Dr. Lee's."
    words = [word for fragment in fragments_of(reply, WHOLE) for word in fragment.words]
    heard = {word.text: reply[: word.end] for word in words}
    assert heard["costs"] == "It costs"
    assert heard["dollars"] == "It costs **$3"
    assert heard["cents"] == "It costs **$3.50"
    assert heard["doctor"] == "It costs **$3.50** at Dr."


def test_speed_makes_fragments_hold_more() -> None:
    """max_fragment_s is seconds of speech, not words."""
    reply = "I have set that timer for you. " + "one two three four five six seven eight nine ten " * 4
    fast = SPEECH.model_copy(update={"speed": 2.0})
    assert len(written(reply, fast)) < len(written(reply))
