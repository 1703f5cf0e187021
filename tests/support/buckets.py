"""A server of buckets (moto) in a process of its own, and a look at what is in them.

It is installed in a folder of its own, `bucket` in the environment (Makefile), as it wants other versions than we do.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.support import hub as hubs

PACKAGES = Path(sys.prefix) / "bucket"
SECRET = "canary-of-the-bucket"


@dataclass
class Server:
    """A running server, whose buckets end with it."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a hub's environment has to say of it."""
        return environment(self.url)

    def make_bucket(self, name: str = "") -> str:
        """Its name."""
        name = name or f"feedback-{secrets.token_hex(4)}"
        assert httpx.put(f"{self.url}/{name}", trust_env=False).status_code == 200
        return name

    def remove_bucket(self, name: str) -> None:
        assert httpx.delete(f"{self.url}/{name}", trust_env=False).status_code == 204

    def put(self, bucket: str, key: str) -> None:
        assert httpx.put(f"{self.url}/{bucket}/{key}", content=b"x", trust_env=False).status_code == 200

    def objects(self, bucket: str) -> list[str]:
        """The keys of all that is there (no more than a thousand)."""
        return re.findall("<Key>([^<]+)</Key>", self._asked(f"{bucket}?list-type=2"))

    def unfinished(self, bucket: str) -> list[str]:
        """The keys of uploads in parts that are neither completed nor aborted."""
        return re.findall("<Key>([^<]+)</Key>", self._asked(f"{bucket}?uploads"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _asked(self, what: str) -> str:
        answer = httpx.get(f"{self.url}/{what}", trust_env=False)
        assert answer.status_code == 200
        return answer.text


def environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "hub",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-central-1",
        "NO_PROXY": "127.0.0.1",
    }


@contextmanager
def running(port: int | None = None) -> Iterator[Server]:
    """A server without buckets, once it answers."""
    port = port or hubs.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=_own_environment(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(process, port)
    try:
        _until_it_answers(server)
        yield server
    finally:
        server.kill()


def _own_environment(given: Mapping[str, str]) -> dict[str, str]:
    return {**given, "PYTHONPATH": str(PACKAGES)}


def _until_it_answers(server: Server, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"there is no moto in {PACKAGES}; make test installs it"
        try:
            httpx.get(server.url, timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"no answer within {seconds} s")
