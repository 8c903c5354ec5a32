"""The sentences that are spoken and heard again (tests/models) cover what a reply may hold."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from assistant.text.spoken import spoken_words

SENTENCES = Path(__file__).parent.parent / "data" / "say.tsv"
GROUPS = {
    "plain": "plain", "numbers": "numbers", "money": "money or units", "units": "money or units",
    "dates": "dates or times", "times": "dates or times", "abbreviations": "abbreviations or initials",
    "initials": "abbreviations or initials", "lists": "lists or URLs", "urls": "lists or URLs",
}  # fmt: skip


def rows() -> list[dict[str, str]]:
    with SENTENCES.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_every_kind_is_there() -> None:
    """Twenty sentences: five plain ones and three of each other kind."""
    assert Counter(GROUPS[row["kind"]] for row in rows()) == {"plain": 5} | dict.fromkeys(
        set(GROUPS.values()) - {"plain"}, 3
    )


def test_no_digit_or_sign_reaches_the_voice() -> None:
    """A voice reads "$3.50" as "dollar three point five zero"."""
    for row in rows():
        spoken = " ".join(word.text for word in spoken_words(row["text"]))
        assert not set("0123456789$%°@&/") & set(spoken), spoken
