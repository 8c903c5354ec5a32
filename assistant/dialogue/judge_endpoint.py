"""A judge behind an OpenAI-compatible endpoint: the one the user configured, and no other host.

Neither redirects nor proxies are followed. It is sent what the user said and what the assistant replied.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from typing import Any
from urllib.parse import urlsplit

from assistant import config
from assistant.dialogue.reply_judge import question
from assistant.dialogue.result import Judgement
from assistant.errors import ConfigError, InferenceError

_TASK = (
    "You check the replies of a voice assistant. Answer with a JSON object and nothing else: "
    '{"passed": true or false, "reason": "one short sentence"}'
)
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_MAX_TOKENS = 2000
"""Models that think before they answer need most of them for that."""
_MOST_BYTES = 1 << 20
_SHOWN = 200


class EndpointJudge:
    """Asks a server.

    Args:
        settings: The `[judge]` section, with an endpoint.

    Raises:
        ConfigError: The endpoint is no URL, or on another machine without leave; or its key is missing.
    """

    def __init__(self, settings: config.Judge) -> None:
        _check(settings)
        self._settings = settings
        self._headers = {"Content-Type": "application/json", **_authorization(settings.endpoint_key_variable)}
        self.facts: dict[str, Any] = {
            "name": settings.endpoint_model or "endpoint",
            "source": settings.endpoint,
            "sha256": None,
        }

    def judge(self, criterion: str, said: str, reply: str) -> Judgement:
        """See reply_judge.Judge; an answer without a verdict is one against the reply.

        Raises:
            InferenceError: The server cannot be reached, refuses, or does not answer in the protocol.
        """
        messages = [
            {"role": "system", "content": _TASK},
            {"role": "user", "content": question(criterion, said, reply)},
        ]
        body = {"model": self._settings.endpoint_model, "messages": messages, "temperature": 0}
        answer = self._post(json.dumps({**body, "max_tokens": _MAX_TOKENS}).encode())
        try:
            text = str(json.loads(answer)["choices"][0]["message"]["content"])
        except (ValueError, KeyError, IndexError, TypeError):
            shown = answer[:_SHOWN].decode(errors="replace")
            raise self._fault(f"does not answer as an OpenAI-compatible server does: {shown!r}") from None
        passed, reason = verdict(text)
        return Judgement(passed, reason, self.facts["name"])

    def _post(self, body: bytes) -> bytes:
        url = urlsplit(self._settings.endpoint)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(url.hostname), url.port, timeout=self._settings.timeout_s)
        try:
            connection.request("POST", f"{url.path.rstrip('/')}/chat/completions", body, self._headers)
            response = connection.getresponse()
            answer = response.read(_MOST_BYTES)
        except TimeoutError:
            raise self._fault(f"did not answer within {self._settings.timeout_s:g} s (judge.timeout_s)") from None
        except OSError as error:
            raise self._fault(f"cannot be reached ({error}); start it, or mend judge.endpoint") from None
        except http.client.HTTPException as error:
            raise self._fault(f"does not speak HTTP: {str(error)[:_SHOWN]!r}; mend judge.endpoint") from None
        finally:
            connection.close()
        if response.status != http.client.OK:
            shown = answer[:_SHOWN].decode(errors="replace").strip()
            raise self._fault(f"answered {response.status} {response.reason}: {shown!r}")
        return answer

    def _fault(self, what: str) -> InferenceError:
        return InferenceError(f"The judge at {self._settings.endpoint} {what}.")


def verdict(text: str) -> tuple[bool, str]:
    """Whether an answer is for or against the reply, and why: a JSON object, or Yes or No as the first word."""
    text = re.sub(r"(?s)<think>.*?</think>", "", text).strip()
    found = re.search(r"(?s)\{.*\}", text)
    try:
        answer = json.loads(found[0]) if found else None
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("passed"), bool):
        return answer["passed"], " ".join(str(answer.get("reason", "")).split())
    first = re.match(r"(?i)\W*(yes|no)\b\W*", text)
    if first is not None:
        return first[1].lower() == "yes", " ".join(text[first.end() :].split())
    return False, f"No verdict in the judge's answer: {text[:_SHOWN]!r}"


def _check(settings: config.Judge) -> None:
    try:
        url = urlsplit(settings.endpoint)
        good = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 0) >= 0
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise ConfigError(f"judge.endpoint: {settings.endpoint} is no such URL as http://localhost:8080/v1; mend it.")
    if not (settings.allow_remote or url.hostname in _THIS_MACHINE):
        raise ConfigError(
            f"judge.endpoint: {url.hostname} is another machine; to send it what is said and replied, "
            "set judge.allow_remote = true."
        )


def _authorization(variable: str) -> dict[str, str]:
    if not variable:
        return {}
    key = os.environ.get(variable)
    if not key:
        raise ConfigError(
            f"judge.endpoint_key_variable: the environment variable {variable} is empty; put the key in it."
        )
    return {"Authorization": f"Bearer {key}"}
