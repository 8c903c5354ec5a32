"""English numbers, money, units, ranges, fractions and telephone numbers as they are said."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from assistant.messages import SpokenWord
from assistant.text.numbers import cardinal, number_words, ordinal, said, spelled
from assistant.text.rules import Context, Rule, rule
from assistant.text.units import ALONE, CODES, CURRENCIES, SHORT_MAGNITUDES, UNITS, alternatives

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
SIGNED = rf"(?:(?<![\w.)])[-−+])?{NUMBER}"
_MAGNITUDE = r"(?:\s?(?P<magnitude>thousand|million|billion|trillion|bn|[kKMmB])(?![A-Za-z]))?"
_CURRENCY = "[" + "".join(CURRENCIES) + "]"
_FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 16: "sixteenth"}
_VERSIONED = frozenset("version release python ios macos android ubuntu windows java node firmware build".split())
_PER = {
    "mo": "month", "yr": "year", "wk": "week", "hr": "hour", "h": "hour", "min": "minute", "s": "second",
    "sec": "second", "kg": "kilogram", "lb": "pound", "km": "kilometer", "L": "liter", "l": "liter", "GB": "gigabyte",
    **{name: name for name in "month year week day night hour minute second person user unit item mile gallon".split()},
}  # fmt: skip


def _quantity(match: re.Match[str]) -> tuple[list[SpokenWord], bool]:
    """The number with its magnitude, and whether it is exactly one."""
    words = number_words(match["number"], match.start("number"))
    magnitude = match["magnitude"]
    if magnitude:
        words += said(SHORT_MAGNITUDES.get(magnitude, magnitude), match.start("magnitude"), match.end("magnitude"))
    return words, match["number"].lstrip("-−+") == "1" and not magnitude


def _money(match: re.Match[str], context: Context) -> list[SpokenWord]:
    one, many, cent, cents = CURRENCIES[CODES.get(match["currency"], match["currency"])]
    whole, _, fraction = match["number"].partition(".")
    if len(fraction) != 2 or match["magnitude"] or not whole:
        words, single = _quantity(match)
        return _stretch(words + said(one if single else many, words[-1].start, words[-1].end), match)
    words, at = [], match.start("number") + len(whole)
    if int(whole.replace(",", "")) or not int(fraction):
        words = number_words(whole, match.start("number"))
        words += said(one if whole == "1" else many, words[-1].start, words[-1].end)
    if int(fraction):
        joint = "and " if words else ""
        words += said(f"{joint}{cardinal(int(fraction))} {cent if fraction == '01' else cents}", at, at + 3)
    return _stretch(words, match)


def _stretch(words: list[SpokenWord], match: re.Match[str]) -> list[SpokenWord]:
    """Let the first and last spans reach over the signs before and after."""
    start, end = words[0].start, words[-1].end
    first, last = match.span()
    return [
        replace(word, start=first if word.start == start else word.start, end=last if word.end == end else word.end)
        for word in words
    ]


def _money_range(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = number_words(match["first"], match.start("first")) + said("to", match.end("first"), match.start("number"))
    words += _quantity(match)[0]
    return _stretch(words + said(CURRENCIES[match["currency"]][1], words[-1].start, words[-1].end), match)


def _unit(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words, single = _quantity(match)
    single = single or context.before.lower() in ("a", "an")  # "a 5 km run"
    return words + said(UNITS[match["unit"]][0 if single else 1], match.start("unit"), match.end())


def _mixed(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    """ "3/4", "1 1/2", "8/10", "24/7" """
    above, below = int(match["above"]), int(match["below"])
    words = number_words(match["whole"], match.start("whole")) if match["whole"] else []
    if above < below and below in _FRACTIONS:
        text = ("and " if words else "") + _fraction(above, below, bool(words))
    elif (above, below) in ((24, 7), (9, 11)):
        text = f"{cardinal(above)} {cardinal(below)}"
    else:
        text = f"{cardinal(above)} {'out of' if above <= below else 'over'} {cardinal(below)}"
    return words + said(text, match.start("above"), match.end())


def _fraction(above: int, below: int, article: bool = False) -> str:
    if above == 1:
        return f"{'a' if article else 'one'} {_FRACTIONS[below]}"
    return f"{cardinal(above)} {_FRACTIONS[below]}s"


def _vulgar(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    above, _, below = unicodedata.normalize("NFKC", match["sign"]).partition("⁄")
    if not below or int(below) not in _FRACTIONS:
        return None
    words = number_words(match["whole"], match.start("whole")) if match["whole"] else []
    text = ("and " if words else "") + _fraction(int(above), int(below), bool(words))
    return words + said(text, match.start("sign"), match.end())


def _phone(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = said("plus", match.start(), match.start() + 1) if match[0][0] == "+" else []
    for group in re.finditer(r"\d+", match[0]):
        words += spelled(group[0], match.start() + group.start())
        if match.start() + group.end() < match.end():
            last = words.pop()
            words.append(SpokenWord(last.text, last.start, last.end, ","))
    return words


def _version(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    """Parts as numbers of their own: "three point eleven"."""
    if not (match["v"] or match["number"].count(".") > 1 or context.before.lower() in _VERSIONED):
        return None
    dot = "dot" if match["number"].count(".") == 3 else "point"
    words = said("version", match.start(), match.start() + 1) if match["v"] else []
    for part in re.finditer(r"\d+|\.", match["number"]):
        at = match.start("number") + part.start()
        words += said(dot, at, at + 1) if part[0] == "." else number_words(part[0], at)
    return words


def _number(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return _quantity(match)[0]


def _ratio(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = number_words(match[1], match.start()) + said("to", match.end(1), match.start(2))
    return words + number_words(match[2], match.start(2))


def _emergency(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    calls = context.before.lower() in ("call", "calling", "dial", "dialing")
    return spelled(match[0], match.start()) if calls else None


def _ordinal(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(ordinal(int(match[1].replace(",", ""))), match.start(), match.end())


def _power(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = number_words(match[1], match.start()) + said("to the power of", match.end(1), match.start(2))
    return words + number_words(match[2], match.start(2))


def _per(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said("per", match.start(), match.start() + 1) + said(_PER[match[1]], match.start(1), match.end())


def _feet(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = number_words(match[1], match.start()) + said("foot", match.end(1), match.start(2))
    return words + said(cardinal(int(match[2])), match.start(2), match.end())


def _alone(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(UNITS[match[0]][1], match.start(), match.end())


def fixed(pattern: str, text: str) -> Rule:
    """A rule whose match is always said in the same words."""
    return rule(pattern, lambda match, context: said(text, match.start(), match.end()))


_TELEPHONE = r"""
    \+?\d{1,3}[-.\ ]\(?\d{3}\)?[-.\ ]\d{3}[-.\ ]\d{4}(?!\d) | \(\d{3}\)\ ?\d{3}[-.\ ]\d{4}(?!\d)
    | \d{3}[-.\ ]\d{3}[-.\ ]\d{4}(?!\d) | \d{3}-\d{4}(?![\d-]) | \d+(?:-\d+){2,}(?![\w-]) | \+\d{7,}
"""
_PREFIX = r"(?:(?:US|CA?|AU?|NZ|HK)(?=\$))?"
_CODE = rf"(?:{'|'.join(CODES)})(?![A-Za-z])"
_BETWEEN = r"(?:(?<=[\d%])|(?<=\d[aApP][mM])|(?<=\.m\.))"

QUANTITIES: list[Rule] = [
    rule(_TELEPHONE, _phone),
    rule(r"(?P<v>[vV]?)(?P<number>\d++(?:\.\d++)*+)(?!\w|,\d)", _version),
    fixed(rf"(?<![\w.)])[-−](?={_CURRENCY})", "minus"),
    rule(
        rf"(?P<currency>{_CURRENCY})(?P<first>{NUMBER})\s?[-–—]\s?(?:(?P=currency))?(?P<number>{NUMBER}){_MAGNITUDE}",
        _money_range,
    ),
    rule(rf"{_PREFIX}(?P<currency>{_CURRENCY})\s?(?P<number>{NUMBER}){_MAGNITUDE}", _money),
    rule(rf"(?P<number>{NUMBER}){_MAGNITUDE}\s?(?P<currency>{_CURRENCY}|{_CODE})", _money),
    rule(r"(?P<whole>\d+)?\ ?(?P<sign>[¼½¾⅐-⅞])", _vulgar),
    rule(rf"(?P<number>{SIGNED})(?P<magnitude>)\s?(?P<unit>{alternatives(UNITS)})(?![A-Za-z0-9²³])", _unit),
    rule(r"(?:(?P<whole>\d+)\ )?(?P<above>\d{1,2})/(?P<below>\d{1,3})(?![\d/])", _mixed),
    rule(r"(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)(?![A-Za-z])", _ordinal),
    rule(r"(\d{1,2})['′’]\s?(\d{1,2})[\"″”]", _feet),
    rule(r"(\d+)\^(\d+)", _power),
    rule(r"(?P<number>\d+(?:\.\d+)?)(?P<magnitude>(?:(?<![48](?=K))[kKMB]|bn))(?!\w)", _number),
    rule(r"(?:911|999|112)(?!\w|[.,]\d)", _emergency),
    fixed(r"(?<=\w)(?:²|\^2(?!\d))", "squared"),
    fixed(r"(?<=\w)(?:³|\^3(?!\d))", "cubed"),
    fixed(r"(?<=\d)\s?x\s?(?=\d)", "by"),
    rule(r"(\d{1,3}):(\d{1,3})(?![\d:.])", _ratio),
    fixed(r"(?<=\d)x(?!\w)", "times"),
    fixed(rf"{_BETWEEN}(?:\s?[–—]\s?|-)(?={_CURRENCY}?\d)", "to"),
    fixed(r"(?<=\d)\s[-−]\s(?=\d)", "minus"),
    fixed(r"\#\s?(?=\d)", "number"),
    rule(rf"(?<=[\d%BbgmkKsLMl])/({alternatives(_PER)})(?![A-Za-z])", _per),
    rule(rf"(?<![A-Za-z0-9])(?:{alternatives(ALONE)})(?![A-Za-z0-9/²³])", _alone),
]

NUMBERS: list[Rule] = [rule(rf"(?P<number>{SIGNED})(?P<magnitude>)", _number)]
"""Tried last: whatever is left of a number."""
