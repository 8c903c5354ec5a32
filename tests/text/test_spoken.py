"""Spoken forms: what an English voice is given for what a model writes, and the spans of its words."""

from __future__ import annotations

import pytest

from assistant.messages import SpokenWord
from assistant.text.spoken import spoken_words


def said(words: list[SpokenWord]) -> str:
    return " ".join(word.text + word.after for word in words)


SPOKEN = """
    plain | Hello there, friend! | Hello there, friend!
    plain | "Quoted," she said. | Quoted, she said.
    plain | don't, it’s, rock 'n' roll | don't, it's, rock n roll
    plain | well-known twenty-one X-ray | well-known twenty-one X-ray
    plain | word—word well - known wait... | word— word well— known wait…
    plain | (yes) maybe | yes, maybe
    plain | snake_case naïve café | snake case naïve café
    numbers | 0 7 15 123 | zero seven fifteen one hundred twenty three
    numbers | 1,234,567 | one million two hundred thirty four thousand five hundred sixty seven
    numbers | 1000000 3,000,005 | one million three million five
    numbers | 3.14 0.5 .5 | three point one four zero point five point five
    numbers | -5 and +3 | minus five and plus three
    numbers | 007 | zero zero seven
    numbers | 12345678901234567 | one two three four five six seven eight nine zero one two three four five six seven
    numbers | 1st 21st 1,000th | first twenty first one thousandth
    numbers | 5K 10k 1.5M 2bn 4K | five thousand ten thousand one point five million two billion four K
    numbers | 5-10 people, 3–4 | five to ten people, three to four
    numbers | 5 - 3 = 2, 5 + 3 = 8 | five minus three equals two, five plus three equals eight
    numbers | 3 × 4, 3 x 4, 2x faster | three times four, three by four, two times faster
    numbers | 10^6 x² y^3 | ten to the power of six x squared y cubed
    numbers | 5 < 6 ~8 ≈ 9 | five less than six about eight about nine
    numbers | 16:9 | sixteen to nine
    numbers | #1 | number one
    fractions | 1/2 cup, 3/4, 1 1/2 cups | one half cup, three quarters, one and a half cups
    fractions | ½ 2½ | one half two and a half
    fractions | 8/10, 24/7 | eight out of ten, twenty four seven
    years | In 1999, in 1905, 2026 | In nineteen ninety nine, in nineteen oh five, twenty twenty six
    years | in 1776 but 1776 people | in seventeen seventy six but one thousand seven hundred seventy six people
    years | 1939–1945, 1914-18 | nineteen thirty nine to nineteen forty five, nineteen fourteen to eighteen
    years | the 1990s, the '80s, 2000s | the nineteen nineties, the eighties, two thousands
    money | $3.50 $3 $1 $0.99 | three dollars and fifty cents three dollars one dollar ninety nine cents
    money | $1.01, £2.50 €1,000 | one dollar and one cent, two pounds and fifty pence one thousand euros
    money | $3 million, $3.5M | three million dollars, three point five million dollars
    money | $5-10, $5–$10 | five to ten dollars, five to ten dollars
    money | ¥500, 20 €, 100 USD, 50¢ | five hundred yen, twenty euros, one hundred dollars, fifty cents
    money | -$5, US$5, $5/month | minus five dollars, five dollars, five dollars per month
    units | 50%, 3.5 %, 5-10% | fifty percent, three point five percent, five to ten percent
    units | 5 km, 1 km, a 5km run | five kilometers, one kilometer, a five kilometer run
    units | 20°C, -3 °F, 90° | twenty degrees Celsius, minus three degrees Fahrenheit, ninety degrees
    units | 100 km/h, 60 mph, 10 m/s | one hundred kilometers per hour, sixty miles per hour, ten meters per second
    units | 16GB, 5 m², in km | sixteen gigabytes, five square meters, in kilometers
    units | 5'10" | five foot ten
    units | a 10-minute, 3-year-old | a ten minute, three year old
    dates | 2023-01-01 | January first, twenty twenty three
    dates | 2026-03-14T14:30:00Z | March fourteenth, twenty twenty six at fourteen thirty
    dates | 1/2/2023 or 25/12/2023 | January second, twenty twenty three or December twenty fifth, twenty twenty three
    dates | 1.2.2024 | February first, twenty twenty four
    dates | 5 Jan 2026 | the fifth of January, twenty twenty six
    dates | the 5th of May | the fifth of May
    dates | January 5, 2026, Jan. 5th | January fifth, twenty twenty six, January fifth
    dates | June 5-7, March 2026 | June fifth to seventh, March twenty twenty six
    dates | 2023-13-45 | two zero two three, one three, four five
    times | 14:30, 3:05 pm, 10:00 | fourteen thirty, three oh five P M, ten o'clock
    times | 10am, 10 a.m., 9 o'clock | ten A M, ten A M, nine o'clock
    times | 9am-5pm, 7-9pm | nine A M to five P M, seven to nine P M
    times | 14:00, 1:02:03 | fourteen hundred, one oh two and three seconds
    telephone | 555-123-4567 | five five five, one two three, four five six seven
    telephone | (555) 123-4567 | five five five, one two three, four five six seven
    telephone | +1 555 123 4567 | plus one, five five five, one two three, four five six seven
    telephone | call 911, not 911 people | call nine one one, not nine hundred eleven people
    abbreviations | Dr. Lee, Mr. and Mrs. Hill | doctor Lee, mister and missus Hill
    abbreviations | e.g. this, i.e. that, etc. | for example this, that is, that, et cetera
    abbreviations | cats vs. dogs, approx. 5 | cats versus dogs, approximately five
    abbreviations | No. 5, p. 12, No. | number five, page twelve, No.
    abbreviations | St. Louis, Main St. now | saint Louis, Main street now
    abbreviations | a Ph.D., Sept. 2026 | a P H D, September twenty twenty six
    initials | J. R. R. Tolkien, J.K. Rowling | J R R Tolkien, J K Rowling
    initials | U.S. and U.S.A. | U S and U S A
    acronyms | NASA, FBI, the BBC's PCs | NASA, F B I, the B B C's P C's
    acronyms | HTML and UNESCO | H T M L and UNESCO
    acronyms | this is NOT an IMPORTANT US thing | this is not an important U S thing
    acronyms | AT&T, Q&A, R & B | A T and T, Q and A, R and B
    acronyms | MP3 B2B H2O 3D 1080p | M P three B two B H two O three D ten eighty P
    acronyms | COVID-19, an F-16 | COVID nineteen, an F sixteen
    roman | World War II, Chapter IV | World War two, Chapter four
    roman | Henry VIII and I | Henry the eighth and I
    web | https://www.example.com/foo/a-b?x=1 | example dot com slash foo slash A dash B
    web | example.com, bbc.co.uk. | example dot com, B B C dot co dot U K.
    web | john.smith@example.com | john dot smith at example dot com
    files | main.py, report_final.pdf | main dot P Y, report underscore final dot P D F
    files | /usr/local/bin | slash usr slash local slash bin
    versions | Python 3.11, v2.0, 1.2.3 | Python three point eleven, version two point zero, one point two point three
    symbols | a & b, A → B, C# and C++ | a and b, A to B, C sharp and C plus plus
    symbols | and/or, @home, #python | and or, at home, hashtag python
    emoticons | nice :D <3 | nice
    emoticons | nice :) or not ;-) | nice or not
""".strip().splitlines()  # fmt: skip


@pytest.mark.parametrize("line", SPOKEN, ids=lambda line: line.strip())
def test_english_spoken_forms(line: str) -> None:
    """Every written form is said as a person would say it."""
    _, written, expected = (part.strip() for part in line.split(" | "))
    assert said(spoken_words(written)) == expected


def spans(written: str) -> list[tuple[str, str]]:
    return [(word.text, written[word.start : word.end]) for word in spoken_words(written)]


def test_a_word_has_the_span_of_what_it_says() -> None:
    """Words of one figure share its span; other words have their own."""
    assert spans("Pay $3.50 now") == [
        ("Pay", "Pay"), ("three", "$3"), ("dollars", "$3"), ("and", ".50"), ("fifty", ".50"), ("cents", ".50"),
        ("now", "now"),
    ]  # fmt: skip
    assert {span for _, span in spans("2023-01-01")} == {"2023-01-01"}
    assert spans("5 km") == [("five", "5"), ("kilometers", "km")]
    assert spans("Dr. Lee") == [("doctor", "Dr."), ("Lee", "Lee")]
    assert spans("FBI") == [("F", "F"), ("B", "B"), ("I", "I")]


def test_a_long_number_is_spread_over_its_groups() -> None:
    """So that it can be cut: nobody may wait for fifteen digits."""
    assert [span for _, span in spans("1,234,000")] == ["1", "1", *["234,000"] * 5]
    assert spans("3.14")[1:] == [("point", "."), ("one", "1"), ("four", "4")]


def test_an_address_is_spread_over_its_parts_and_hides_what_is_not_said() -> None:
    """Scheme and query belong to the words beside them."""
    assert spans("https://www.x.com/a?b=c") == [
        ("X", "https://www.x"), ("dot", "."), ("com", "com"), ("slash", "/"), ("A", "a?b=c"),
    ]  # fmt: skip


def test_of_a_very_long_address_only_the_host_is_said() -> None:
    """Nobody wants to hear a path of sixty characters."""
    assert said(spoken_words("https://example.com/" + "path/" * 20)) == "example dot com"


def test_a_word_without_end_is_cut() -> None:
    """A voice's step is bounded by this."""
    assert [len(word.text) for word in spoken_words("a" * 50)] == [24, 24, 2]


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("de", "Es kostet 3,5 und 1.234.", "Es kostet drei Komma fünf und eintausendzweihundertvierunddreißig."),
        ("fr", "J'ai 21 ans, 5 000 amis.", "J'ai vingt et un ans, cinq mille amis."),
        ("es", "Son 007 o 50 %", "Son cero cero siete o cincuenta %"),
        ("pt-br", "1234567", "um milhão duzentos e trinta e quatro mil quinhentos e sessenta e sete"),
        ("ja", "3.5", "三点五"),
        ("en-gb", "Dr. Lee, 21", "doctor Lee, twenty one"),
        ("hi", "123 है", "123 है"),
        ("de", "Dr. Müller, FBI", "Dr. Müller, FBI"),
    ],
)
def test_other_languages_have_their_numbers_in_words_and_the_rest_as_written(
    language: str, written: str, expected: str
) -> None:
    """num2words where it knows the language; no English rule touches it."""
    assert said(spoken_words(written, language)) == expected


def test_scripts_without_spaces_have_a_word_per_character_and_no_spaces() -> None:
    """Each character has its span; vowel signs and small kana stay with theirs."""
    words = spoken_words("今天好", "zh")
    assert [(word.text, word.start, word.end, word.joined) for word in words] == [
        ("今", 0, 1, True), ("天", 1, 2, True), ("好", 2, 3, False),
    ]  # fmt: skip
    assert [word.text for word in spoken_words("きょう", "ja")] == ["きょ", "う"]
    assert [word.text for word in spoken_words("สวัสดี", "th")] == ["ส", "วั", "ส", "ดี"]
    assert [word.text for word in spoken_words("नमस्ते दुनिया", "hi")] == ["नमस्ते", "दुनिया"]
