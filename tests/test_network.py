"""The guard of conftest.py holds: no test reaches the network unseen."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.request

import pytest


def _fetch(address: str) -> None:
    with contextlib.suppress(Exception), urllib.request.urlopen(address, timeout=1):
        pass


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "http://models.invalid/"])
def test_an_attempt_is_noted_even_where_it_is_swallowed(address: str, network_attempts: list[str]) -> None:
    """By address and by name; the list would fail this test if it were not cleared here."""
    with pytest.raises(AssertionError):
        urllib.request.urlopen(address, timeout=1)
    _fetch(address)
    assert len(network_attempts) == 2
    network_attempts.clear()


def test_loopback_is_left_to_tests_with_a_server() -> None:
    """Pulling is tested against a server of the test's own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


@pytest.mark.usefixtures("no_network")
def test_no_network_allows_what_asyncio_needs_and_nothing_more(network_attempts: list[str]) -> None:
    """An event loop wakes itself by a pair of AF_UNIX sockets."""
    assert asyncio.run(asyncio.sleep(0, result=1)) == 1
    with pytest.raises(AssertionError):
        socket.socket()
    network_attempts.clear()
