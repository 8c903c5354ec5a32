"""What may be believed of what Whisper writes: silence, phrases it invents, loops. Pure, without a model.

Measured on tiny.en: `no_speech_prob` of single spoken words stays below 0.2, of noise, hum, keyboards
and beeps above 0.7; `avg_logprob` of both is -0.5 to -1. On silence it writes "you" and "Thank you.".
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.messages import MIC_RATE_HZ, Samples, Transcript

QUIET_DB = -65.0
"""dBFS of the loudest 50 ms below which nothing can have been said."""

_SURE_LOGPROB = -0.5
"""Above this the words count, however little it sounds like speech to the model."""
_UNSURE_LOGPROB = -1.0
"""Below this the text is a guess (the threshold of Whisper's own fallback)."""
_LOOPING_RATIO = 2.4
"""zlib compression ratio of a text that repeats itself (the threshold of Whisper's own fallback)."""

_DOUBTFUL_NO_SPEECH = 0.3
_FAINT_DB, _STEADY_DB = -50.0, 9.0
"""Loudest 50 ms of speech, and how far they stand above its quietest tenth: sound without either is no voice."""

_PHRASE = 15
_LOOP = re.compile(rf"(?P<phrase>.{{{_PHRASE},}}?)(?:\s*(?P=phrase))+|(?P<word>.+?)(?:\s*(?P=word)){{3,}}", re.DOTALL)
"""A phrase said again, or anything shorter said four times; "no no no" is left alone."""

_SOUND = re.compile(r"\s*(\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫].*)\s*", re.DOTALL)
"""A description of a sound: [Music], (applause), *sighs*, ♪ la la ♪."""

_CREDITS = re.compile(
    r"amara\.?org|subtitles by|untertitel(ung)? (im auftrag )?de[rs]|sous-titr|subtítulos (realizados )?por"
    r"|sottotitoli (creati|e revisione)|legendas pela|ondertitel(d|s|ing)|napisy stworzone|субтитры|字幕",
    re.IGNORECASE,
)
"""Who made the subtitles of the training data. Nobody says this to an assistant."""

_INVENTED = {
    "en": "you|thank you|thanks|thank you very much|thank you so much|thanks for watching|thank you for watching"
    "|thank you so much for watching|please subscribe|bye|bye bye|goodbye|see you next time"
    "|see you in the next video|ill see you next time|ill see you in the next video|the end|oh|so|beep|hmm",
    "de": "vielen dank|danke|danke schön|vielen dank fürs zuschauen|bis zum nächsten mal|tschüss|das wars",
    "es": "gracias|muchas gracias|gracias por ver el video|gracias por ver|suscríbete|adiós|hasta la próxima",
    "fr": "merci|merci beaucoup|merci davoir regardé cette vidéo|abonnez vous|au revoir|à bientôt",
    "it": "grazie|grazie a tutti|grazie per la visione|ciao|a presto|alla prossima",
    "nl": "bedankt|dank je wel|bedankt voor het kijken|tot de volgende keer|doei",
    "pt": "obrigado|obrigada|muito obrigado|obrigado por assistir|inscrevase no canal|tchau",
    "pl": "dziękuję|dziękuję bardzo|dziękuję za uwagę|do widzenia",
    "ru": "спасибо|спасибо за просмотр|продолжение следует|пока|до свидания|до новых встреч",
    "ja": "ご視聴ありがとうございました|ありがとうございました|ありがとうございます|おやすみなさい",
    "zh": "谢谢|谢谢大家|谢谢观看|感谢观看|謝謝|謝謝大家|謝謝觀看|请不吝点赞订阅转发打赏支持明镜与点点栏目",
    "ko": "감사합니다|시청해주셔서 감사합니다|시청해 주셔서 감사합니다|구독과 좋아요 부탁드립니다",
}
"""What silence becomes, by language, without punctuation. A user may say it too: it takes weak evidence of speech."""

_UNSPACED = {"ja", "zh", "yue", "th", "lo", "my", "km"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the decoder made of one window in one pass."""

    text: str
    avg_logprob: float
    no_speech_prob: float
    """NaN from a model without that token."""
    capped: bool
    """It had not come to an end when its tokens were used up."""
    broken_off_s: float | None = None
    """When in the window a segment began of which nothing is written; None where none did."""

    @property
    def looping(self) -> bool:
        """Whether it says the same over and over; the log-probability of a loop is good."""
        encoded = self.text.encode()
        return self.capped or len(encoded) > _LOOPING_RATIO * len(zlib.compress(encoded))


def loudest_db(samples: Samples) -> float:
    """Level of the loudest 50 ms.

    Args:
        samples: (n,) at 16 kHz.

    Returns:
        dBFS; -120 for digital silence and for no samples at all.
    """
    return float(np.max(_levels_db(samples)))


def is_silence(decoded: Decoded, threshold: float) -> bool:
    """Whether the model heard no speech.

    A `no_speech_prob` that is missing does not switch the rule off: the log-probability decides alone.

    Args:
        decoded: The decoder's output.
        threshold: `transcribe.no_speech_probability`.
    """
    if not any(character.isalnum() for character in decoded.text):
        return True
    if math.isnan(decoded.no_speech_prob):
        return not decoded.avg_logprob >= _UNSURE_LOGPROB
    return decoded.no_speech_prob > threshold and (decoded.looping or not decoded.avg_logprob > _SURE_LOGPROB)


def is_unsure(decoded: Decoded) -> bool:
    """Whether it may have been said in another language than it was taken for."""
    return decoded.looping or not decoded.avg_logprob > _SURE_LOGPROB


def is_doubtful(decoded: Decoded, threshold: float) -> bool:
    """Whether another pass with more context is worth its time; silence stays silence."""
    if is_silence(decoded, threshold):
        return False
    return decoded.looping or not decoded.avg_logprob >= _UNSURE_LOGPROB


def is_invented(decoded: Decoded, samples: Samples, language: str) -> bool:
    """Whether the text is a sound's description, a subtitler's credit, or a phrase that silence becomes.

    Args:
        decoded: The decoder's output.
        samples: (n,) at 16 kHz that it heard.
        language: Language code; the English phrases count in every language.
    """
    if _SOUND.fullmatch(decoded.text) or _CREDITS.search(decoded.text):
        return True
    said = " ".join(re.sub(r"[^\w\s]", "", decoded.text.replace("-", " ")).casefold().split())
    if said not in _INVENTED.get(language, "").split("|") and said not in _INVENTED["en"].split("|"):
        return False
    levels_db = _levels_db(samples)
    loudest, quietest = np.max(levels_db), np.percentile(levels_db, 10)
    heard_speech = decoded.no_speech_prob <= _DOUBTFUL_NO_SPEECH and decoded.avg_logprob >= _UNSURE_LOGPROB
    return not heard_speech or bool(loudest < _FAINT_DB or loudest - quietest < _STEADY_DB)


def cut_loop(text: str) -> str:
    """The text up to the end of the first round of its loop; the whole text where there is no loop."""
    loop = _LOOP.search(text)
    return text if loop is None else text[: loop.start()] + (loop["phrase"] or loop["word"])


def judge(decoded: Decoded, samples: Samples, threshold: float, language: str) -> Transcript:
    """The transcript of one window, refused where it is not to be believed.

    Args:
        decoded: The last pass over the window.
        samples: (n,) at 16 kHz that it heard.
        threshold: `transcribe.no_speech_probability`.
        language: Language code.
    """
    text = cut_loop(decoded.text).strip() if decoded.looping else decoded.text
    scores = (decoded.avg_logprob, decoded.no_speech_prob, language)
    if is_silence(decoded, threshold):
        return Transcript(text, "silence", *scores)
    if text != decoded.text and len(text) < _PHRASE:
        return Transcript(text, "repetition", *scores)
    if is_invented(decoded, samples, language):
        return Transcript(text, "invented", *scores)
    return Transcript(text, "", *scores)


def join(parts: Sequence[Transcript]) -> Transcript:
    """One transcript of the windows of an utterance; it is refused only if all of them are."""
    believed = [part for part in parts if not part.refused] or parts[:1]
    space = "" if believed[0].language in _UNSPACED else " "
    weights = [len(part.text) + 1 for part in believed]
    return Transcript(
        space.join(part.text for part in believed),
        believed[0].refused,
        sum(part.avg_logprob * weight for part, weight in zip(believed, weights, strict=True)) / sum(weights),
        min(part.no_speech_prob for part in believed),
        believed[0].language,
    )


def _levels_db(samples: Samples) -> npt.NDArray[np.float64]:
    frame = MIC_RATE_HZ // 20
    whole = np.pad(samples, (0, max(0, frame - len(samples)))).astype(np.float64)
    frames = whole[: len(whole) // frame * frame].reshape(-1, frame)
    levels_db: npt.NDArray[np.float64] = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return levels_db
