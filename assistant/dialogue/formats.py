"""Results for programs: the contract's JSON, and the JUnit XML that CI services show.

JUnit after the schema of Apache Ant's task with Jenkins' extensions (`file`, `system-out` of a case).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

from assistant.dialogue.flakes import flake_rates
from assistant.dialogue.result import DialogueResult
from assistant.dialogue.sweep import points

VERSION = 1

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(
    results: Sequence[DialogueResult], costs: Mapping[str, float], models: Mapping[str, Any], complete: bool = True
) -> str:
    """The whole result, the same text for the same results.

    With `flake_rates` where dialogues were repeated, and after a sweep `sweep`: what came of each combination.

    Args:
        results: In the order of the scripts.
        costs: What inference costs where a dialogue's script says nothing else.
        models: What models.lock says of the models used, with the same exception.
        complete: Whether every dialogue was run to its end; else nothing has passed.
    """
    dialogues = [_as_dict(result, {"costs": costs, "models": models, "settings": {}}) for result in results]
    passed = complete and all(result.passed for result in results)
    whole = {"version": VERSION, "passed": passed, "costs": costs, "models": models, "dialogues": dialogues}
    if any(result.run for result in results):
        whole["flake_rates"] = [asdict(rate) for rate in flake_rates(results)]
    if sweep := points(results):
        whole["sweep"] = [asdict(point) for point in sweep]
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _as_dict(result: DialogueResult, common: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    plain = asdict(result)
    for seen in plain["turns"]:
        if seen["judgement"] is None:
            del seen["judgement"]
    for key, value in common.items():
        if plain[key] == value:
            del plain[key]
    return plain


def as_junit(results: Sequence[DialogueResult]) -> str:
    """One test case a dialogue and run, in a suite a folder; times are seconds of the dialogue's own clock."""
    suites: dict[str, list[DialogueResult]] = {}
    for result in results:
        suites.setdefault(PurePath(result.script).parent.as_posix(), []).append(result)
    root = ElementTree.Element("testsuites", _counts(results))
    for name, members in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(members)})
        for result in members:
            _add_case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(results: Sequence[DialogueResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results)),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _add_case(suite: ElementTree.Element, result: DialogueResult) -> None:
    path = PurePath(result.script)
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": ".".join(part for part in path.with_suffix("").parts if part not in ("/", "..")),
            "name": _plain(result.label) + (f" (run {result.run})" if result.run else ""),
            "file": result.script,
            "time": f"{result.seconds:.3f}",
        },
    )
    failures = result.all_failures
    if failures:
        failure = ElementTree.SubElement(case, "failure", {"message": _plain(failures[0]), "type": "expectation"})
        failure.text = _plain("\n".join(failures))
    heard = [
        f"{seen.user or seen.kind}: {seen.transcript} -> {seen.command or seen.reply_heard}" for seen in result.turns
    ]
    ElementTree.SubElement(case, "system-out").text = _plain("\n".join(heard))


def _plain(text: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return _NOT_IN_XML.sub("\ufffd", text)
