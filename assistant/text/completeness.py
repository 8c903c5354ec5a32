"""Whether words sound like the end of what somebody has to say."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from assistant.text.overlap import normalise

Completeness: TypeAlias = Literal["finished", "unfinished", "unknown"]

_GOES_ON: dict[str, frozenset[str]] = {
    "en": frozenset(
        """um uh er erm hmm and but or because if while whose than as the a an my your its our their of to from into
        between i we they would could should""".split()
    ),
    "de": frozenset(
        """äh ähm hm und aber oder denn weil wenn dass ob als der die das den dem des ein eine einen einem
        einer mein meine dein deine sein seine ihre von zum zur für zwischen ich wir""".split()
    ),
    "es": frozenset(
        """eh em y e o u pero porque si cuando que como el la los las un una unos unas mi tu su mis sus de del a
        al en con por para sin entre yo""".split()
    ),
    "fr": frozenset(
        """euh hum et mais ou donc car si quand que qui le la les un une des du de mon ma mes ton ta son sa
        ses à au aux en dans avec pour sur entre je""".split()
    ),
    "it": frozenset(
        """ehm e ed ma o oppure perché se quando che il lo la i gli le un uno una mio mia tuo tua suo sua di del
        della a al alla da dal nel con per tra fra io""".split()
    ),
}
"""Words with which next to no sentence ends, and fillers."""

_MAY_GO_ON: dict[str, frozenset[str]] = {
    "en": frozenset(
        """so when that which who then like his her this these those in on at for with by about over under is are
        was were am be been will can may might must do does did has have had he she very really well actually
        you it not""".split()
    ),
    "de": frozenset(
        "wie also zu mit bei nach aus über unter ist sind war waren wird werden kann soll will muss hat haben".split()
    ),
    "es": frozenset("este sobre es son era está muy pues".split()),
    "fr": frozenset("comme par sous est sont était très alors nous".split()),
    "it": frozenset("come in su è sono era molto allora".split()),
}
"""Words with which many a sentence ends, but after which more goes on: with a full stop they tell nothing."""

_NUMBER = re.compile(r"\d\W*$")
_COMMA = ",;:—–-、，،"
_STOP = ".?!。？！؟।"
_CLOSING = "\"'”’»)]} "


def completeness(text: str, language: str) -> Completeness:
    """Judge the words so far by their last word and their punctuation.

    Whisper ends with a full stop whatever is cut off in mid-sentence, so the last word is asked first.

    Args:
        text: A transcript.
        language: Its code; of an unknown one only the punctuation is read.
    """
    bare = text.rstrip(_CLOSING)
    words = normalise(bare)
    if not words:
        return "unknown"
    last, ended = words[-1], bare[-1] in _STOP and not bare.endswith("...")
    if bare[-1] == "?" and len(words) > 1:
        return "finished"  # "Where is it from?" is a whole question
    if last in _GOES_ON.get(language, ()) or bare[-1] in _COMMA or bare.endswith(("...", "…")):
        return "unfinished"
    if last in _MAY_GO_ON.get(language, ()):
        return "unknown" if ended else "unfinished"
    if _NUMBER.search(bare):
        return "unknown"  # somebody may be counting, or saying a number in parts
    return "finished" if ended else "unknown"
