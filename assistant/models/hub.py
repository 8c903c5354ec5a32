"""Single files of a hub repository at a commit, downloaded with resumption."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Self

from assistant.errors import PullError
from assistant.models.packages import OnBytes


def fetch(repository: str, revision: str, path: str, target: Path, size_bytes: int | None, on_bytes: OnBytes) -> None:
    """Download a file to `target`; bytes already there are kept and the rest is asked for.

    The library's own `hf_hub_download` begins anew in every process, hence its lower-level `http_get`.

    Raises:
        PullError: no network, or the hub refuses.
        OSError: with ENOSPC, the disk is full.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]  # httpx's own
    from huggingface_hub.file_download import http_get

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # a warning per retry would tear the progress bar
    url = hf_hub_url(repository, path, revision=revision, endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        with target.open("ab") as file:
            http_get(url, file, resume_size=file.tell(), expected_size=size_bytes, tqdm_class=_bar(on_bytes))
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise PullError(f"The hub answers {status} for {path} of {repository} at {revision}; is it public?") from None
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise PullError(
            f"{path} of {repository} could not be downloaded ({reason}); check the network and run the same "
            "command again: it goes on where it stopped."
        ) from None


def _bar(on_bytes: OnBytes) -> type[Any]:
    """As much of a tqdm class as `http_get` uses."""

    class Bar:
        def __init__(self, initial: int = 0, **_options: object) -> None:
            self.done_bytes = initial

        def update(self, more_bytes: int) -> None:
            self.done_bytes += more_bytes
            on_bytes(self.done_bytes)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None:
            return None

    return Bar
