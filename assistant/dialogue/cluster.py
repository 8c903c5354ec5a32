"""Workers on a Ray cluster, or on a Ray of this machine's own. Ray is imported when it is asked for, and only here."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import cache, partial
from pathlib import Path
from secrets import token_hex
from typing import Any, ParamSpec, TypeVar

from assistant.dialogue.pool import Hire
from assistant.errors import ClusterError

P = ParamSpec("P")
T = TypeVar("T")

_REACHED_WITHIN_S = 5.0


@contextmanager
def ray_workers(address: str, jobs: int | None) -> Iterator[tuple[Hire, int]]:
    """Connect to a cluster while this lasts: what hires a worker there, and how many there are to be.

    Args:
        address: "local" starts a Ray on this machine and stops it in the end; "auto" is the one that this
            machine belongs to; HOST:PORT the same, by its head.
        jobs: Number of workers; None is one for each machine, since a machine has one GPU and one memory.

    Raises:
        ClusterError: Ray is not installed, or no cluster answers there.
    """
    # before the import, which reads them: nothing is reported home, a Ray of our own listens on the
    # loopback only, and no worker gets an environment of its own because of `uv run`
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    if address == "local":  # its token is this process's own: Ray would leave one in ~/.ray for all to read
        os.environ.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token_hex(32))
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "--cluster needs Ray, which is not installed; in the clone run: uv pip install '.[cluster]'"
        ) from None
    with ExitStack() as stack:
        options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "error"}
        if address == "local":
            # by a short name: a socket's path has at most 103 bytes on macOS
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)
            )
            options |= {"num_cpus": jobs or 1, "include_dashboard": False, "_temp_dir": folder}
        else:
            _reach(address)
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ClusterError(
                f"--cluster {address}: {reason}; if it wants a token, set RAY_AUTH_MODE=token."
            ) from None
        stack.callback(ray.shutdown)
        stack.enter_context(redirect_stdout(sys.stderr))  # where Ray tells of dead workers, there may be JSON
        yield partial(RayWorker, ray), jobs or sum(node["Alive"] for node in ray.nodes())


def _reach(address: str) -> None:
    """Find out in seconds what Ray would find out in minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ClusterError(f"--cluster {address}: write it as HOST:PORT of the cluster's head, or local, or auto.")
    try:
        socket.create_connection((host, int(port)), _REACHED_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"--cluster {address}: nothing answers there ({error}); check the address, and that the cluster is up."
        ) from None


class RayWorker(Executor):
    """An actor: a process somewhere on the cluster.

    What goes there and comes back is pickled here, so that arrays are copies, as with any other process, and
    not views of Ray's shared memory, which can be read only and keep it full.

    Args:
        ray: The module, connected.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._actor = ray.remote(_Process).options(num_cpus=1, scheduling_strategy="SPREAD").remote()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See Executor."""
        theirs = self._actor.call.remote(program(), pickle.dumps((fn, args, kwargs)))
        ours: Future[T] = Future()
        theirs.future().add_done_callback(partial(self._settle, ours))
        return ours

    def _settle(self, ours: Future[Any], theirs: Future[bytes]) -> None:
        error = theirs.exception()
        if error is None:
            ours.set_result(pickle.loads(theirs.result()))
        elif isinstance(error, self._ray.exceptions.RayTaskError):
            ours.set_exception(error.cause)
        else:  # the process, its machine or the result is gone
            ours.set_exception(BrokenExecutor(str(error)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor; nothing is waited for."""
        self._ray.kill(self._actor)


class _Process:
    """At the other end."""

    def call(self, asked_by: str, pickled: bytes) -> bytes:
        if asked_by != program():
            raise ClusterError(f"{platform.node()} has another version of this program; install the same everywhere.")
        fn, args, kwargs = pickle.loads(pickled)
        return pickle.dumps(fn(*args, **kwargs))


@cache
def program() -> str:
    """A digest of this program: what runs elsewhere must be the same, for the results to be."""
    folder = Path(__file__).parent.parent
    sources = [source.read_bytes() for source in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()
