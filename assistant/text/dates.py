"""English dates, years, decades and times of day as they are said."""

from __future__ import annotations

import re

from assistant.messages import SpokenWord
from assistant.text.abbreviations import MONTH_NAMES, MONTHS
from assistant.text.numbers import cardinal, number_words, ordinal, said, year
from assistant.text.rules import Context, Rule, rule
from assistant.text.units import alternatives

MONTH = rf"(?P<month>(?:{alternatives(MONTH_NAMES)})(?![A-Za-z])|(?:{alternatives(MONTHS)})(?![A-Za-z])(?:(?<!May)\.)?)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})(?![\d:]|[.,]\d)"
_CLOCK = r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
_HALF = r"(?P<half>[AaPp])\.?\s?[Mm](?![A-Za-z])\.?"

_YEAR_AFTER = frozenset("in since from until till to by of around circa during before after year and the".split())


def _month_of(match: re.Match[str]) -> str:
    written = match["month"].rstrip(".")
    return MONTHS.get(written, written)


def _dated(match: re.Match[str], day: int, text: str, written_year: str | None) -> list[SpokenWord] | None:
    """The whole date as one span: its parts are not said in the order they are written in."""
    if not 1 <= day <= 31:
        return None
    if written_year:
        number = int(written_year)
        number += 0 if len(written_year) > 2 else 2000 if number < 50 else 1900
        text += f", {year(number)}"
    return said(text, match.start(), match.end())


def _iso(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    month, day = int(match["m"]), int(match["d"])
    if not 1 <= month <= 12:
        return None
    end = f" at {_clock(match)}" if match["hour"] else ""
    words = _dated(match, day, f"{MONTH_NAMES[month - 1]} {ordinal(day)}", match["y"])
    return words + said(end, match.start(), match.end()) if words else None


def _american(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    month, day = sorted((int(match[1]), int(match[2]))) if int(match[1]) > 12 else (int(match[1]), int(match[2]))
    if not 1 <= month <= 12:
        return None
    return _dated(match, day, f"{MONTH_NAMES[month - 1]} {ordinal(day)}", match[3])


def _european(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    day, month = int(match[1]), int(match[2])
    return _dated(match, day, f"{MONTH_NAMES[month - 1]} {ordinal(day)}", match[3]) if 1 <= month <= 12 else None


def _day_month(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    article = "" if context.before.lower() == "the" else "the "
    day = int(match["day"])
    return _dated(match, day, f"{article}{ordinal(day)} of {_month_of(match)}", match["year"])


def _month_day(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    text = f"{_month_of(match)} {ordinal(int(match['day']))}"
    if match["last"]:
        text += f" to {ordinal(int(match['last']))}"
    return _dated(match, int(match["day"]), text, match["year"])


def _month_year(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    words = said(_month_of(match), match.start(), match.end("month"))
    return words + said(year(int(match["year"])), match.start("year"), match.end())


def _clock(match: re.Match[str], half: str | None = None) -> str:
    hour, minute = int(match["hour"]), int(match["minute"])
    if minute:
        text = f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif half:
        text = cardinal(hour)
    elif hour == 0:
        text = "midnight"
    else:
        text = cardinal(hour) + (" o'clock" if hour <= 12 else " hundred")
    second = match["second"]
    return text + (f" and {cardinal(int(second))} seconds" if second and int(second) else "")


def _time(match: re.Match[str], context: Context) -> list[SpokenWord]:
    end = match.end("second") if match["second"] else match.end("minute")
    return said(_clock(match, match["half"]), match.start(), end) + _half(match)


def _hour(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    return number_words(match["hour"], match.start()) + _half(match) if 1 <= int(match["hour"]) <= 12 else None


def _half(match: re.Match[str]) -> list[SpokenWord]:
    return said(f"{match['half'].upper()} M", match.start("half"), match.end()) if match["half"] else []


def _years(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = said(year(int(match[1])), match.start(1), match.end(1)) + said("to", match.end(1), match.start(2))
    last = match[2]
    return words + said(year(int(last)) if len(last) == 4 else cardinal(int(last)), match.start(2), match.end())


def _decade(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    century, tens = match[1], int(match[2])
    plural = "tens" if tens == 10 else cardinal(tens)[:-1] + "ies"
    if tens == 0:
        text = f"{year(int(century) * 100)}s" if century else ""
    else:
        text = f"{cardinal(int(century))} {plural}" if century else plural
    return said(text, match.start(), match.end()) or None


def _single_year(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    number = int(match["year"])
    if 1900 <= number < 2100 or (1100 <= number < 1900 and context.before.lower() in _YEAR_AFTER):
        return said(year(number), match.start(), match.end())
    return None


DATES: list[Rule] = [
    rule(rf"(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)(?:T{_CLOCK}(?:\.\d+)?Z?)?(?![\d-])", _iso),
    rule(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\d/])", _american),
    rule(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d.]*\d)", _european),
    rule(rf"{_DAY}(?:\ of)?\ {MONTH}(?:,?\ {_YEAR})?", _day_month),
    rule(
        rf"{MONTH}\ {_DAY}(?:\s?[-–]\s?(?P<last>[0-3]?\d)(?:st|nd|rd|th)?)?(?![\d:A-Za-z%]|[.,]\d)(?:,?\ {_YEAR})?",
        _month_day,
    ),
    rule(rf"{MONTH},?\ {_YEAR}", _month_year),
    rule(rf"{_CLOCK}(?![\d:])(?:\s?{_HALF})?", _time),
    rule(rf"(?P<hour>\d{{1,2}})\s?{_HALF}", _hour),
    rule(r"(1\d{3}|20\d{2})[-–—](1\d{3}|20\d{2}|\d{2})(?![\d-])", _years),
    rule(r"(?:['’]?(?=\d0s)|(1\d|20))(\d0)s(?![A-Za-z])", _decade),
]
YEARS: list[Rule] = [rule(rf"{_YEAR}(?![A-Za-z])", _single_year)]
"""A number that may be a year; tried after money, units and phone numbers."""
