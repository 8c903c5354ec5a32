"""How long the first fragment should be: sooner heard against more cuts and worse words.

    python bench/first_fragment.py                    first audio and cuts, from recorded steps in virtual time
    python bench/first_fragment.py --speak 10         also speaks ten replies by the real voice and hears them again

For each `speech.first_fragment_s`: the median time from the question to the first sound over the replies of
replies.txt, at real-time factors of a fast and a slow machine (playback_gaps.py); cuts inside sentences, with the
silence that they add; and the word error rate of the joined speech, heard by the transcriber, beside that of whole
sentences.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np
from playback_gaps import Waits, waits
from recorded_steps import HERE, Recorded, recorded, replies

from assistant import config as configuration
from assistant.config import Config
from assistant.messages import MIC_RATE_HZ, Fragment, Samples
from assistant.text.fragments import fragments_of

LENGTHS_S = (1.0, 1.5, 2.0, 3.0)
FACTORS = (0.3, 1.0)
_WHOLE_S = 4.0
_LONGEST_SPOKEN = 160
"""Characters of a reply that is spoken: a sentence or two."""


def inner_cuts(fragments: Sequence[Fragment]) -> int:
    """Joins inside sentences."""
    return sum(not fragment.ends_sentence for fragment in fragments[:-1])


class Ear:
    """Speaks replies and hears them: the real voice and the real transcriber."""

    def __init__(self, config: Config) -> None:
        from assistant.app import load_transcriber, load_voice

        self._voice, self._transcriber = load_voice(config), load_transcriber(config)
        self._made: dict[str, Samples] = {}

    def error_rate(self, text: str, config: Config) -> float:
        """Word error rate of a reply, spoken in its fragments and heard whole."""
        import soxr

        from assistant.dialogue.wer import word_error_rate
        from assistant.schedule import outcome

        sounds, gap_ms = [], 0.0
        for fragment in fragments_of(text, config.speech):
            sounds += [np.zeros(round(self._voice.rate_hz * gap_ms / 1000), np.float32), self._sound(fragment)]
            gap_ms = config.speech.sentence_gap_ms if fragment.ends_sentence else config.speech.clause_gap_ms
        samples = soxr.resample(np.concatenate(sounds), self._voice.rate_hz, MIC_RATE_HZ)
        return word_error_rate(text, outcome(self._transcriber.transcribe(samples)).text, "en")

    def _sound(self, fragment: Fragment) -> Samples:
        if fragment.text not in self._made:
            pieces = [audio.samples for step in self._voice.synthesize(fragment) for audio in step.values]
            self._made[fragment.text] = np.concatenate(pieces)
        return self._made[fragment.text]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speak", type=int, default=0, metavar="N", help="replies to speak and hear")
    parser.add_argument("--steps", type=Path, default=HERE / "recorded_steps.json", help="what real steps took")
    arguments = parser.parse_args()
    texts, steps = replies(), recorded(arguments.steps)
    short = [text for text in texts if 60 <= len(text) <= _LONGEST_SPOKEN]
    spoken = short[:: max(len(short) // arguments.speak, 1)][: arguments.speak] if arguments.speak else []
    ear = Ear(configuration.load("small")) if spoken else None
    sys.stdout.write("first fragment   first audio at factor " + "     ".join(map(str, FACTORS)))
    sys.stdout.write("   cuts inside sentences   silence   word errors\n")
    for length_s in (*LENGTHS_S, _WHOLE_S):
        found = [_waits(texts, steps, factor, length_s) for factor in FACTORS]
        first = "  ".join(f"{median(one.first_audio_s):6.2f} s" for one in found)
        config = configuration.load("small", settings=_settings(length_s))
        cuts = sum(inner_cuts(fragments_of(text, config.speech)) for text in texts)
        rate = f"{fmean(ear.error_rate(text, config) for text in spoken):6.1%}" if ear is not None else "     -"
        silence_s = cuts * config.speech.clause_gap_ms / 1000
        sys.stdout.write(f"{length_s:12.1f} s   {first:>34}   {cuts:10}   {silence_s:15.1f} s   {rate}\n")
        sys.stdout.flush()
    return 0


def _settings(length_s: float) -> list[str]:
    return [f"speech.first_fragment_s={length_s}"]


def _waits(texts: Sequence[str], steps: Recorded, factor: float, length_s: float) -> Waits:
    return waits(texts, steps, factor, settings=_settings(length_s))


if __name__ == "__main__":
    from assistant.models import cpu

    cpu.prepare(2)
    sys.exit(main())
