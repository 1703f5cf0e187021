"""A real hub for the tests: `tellback serve` in processes of its own, on a data folder or a database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

BETA = Path(__file__).with_name("beta.yaml")
KEY = "mob_6f1d0c8e5a7b4923"
WEB_KEY = "web_51c0ffee51c0ffee"
CREATE = "/api/v1/projects/beta/feedback/app"

# What the person who runs the tests has set for a hub of their own is none of the tests' business.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TELLBACK_")}


def command(*words: str) -> list[str]:
    """`tellback …` by this very Python."""
    return [sys.executable, "-m", "tellback", *words]


def tellback(*words: str, check: bool = True, environment: Mapping[str, str] | None = None) -> str:
    """Run one command to its end; its standard output."""
    done = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=ENVIRONMENT | dict(environment or {}),
    )
    if check and done.returncode != 0:
        raise AssertionError(f"tellback {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Hub:
    """A running hub. `log` is the file that holds what it said on stderr."""

    place: tuple[str, ...]
    port: int
    process: subprocess.Popen[str]
    log: Path
    secrets: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def apply(self, file: Path = BETA) -> None:
        """Provision; what was made is in `secrets`."""
        outcome = json.loads(tellback("apply", str(file), *self.place, "--output", "json"))
        for section, made in outcome["secrets"].items():
            self.secrets.setdefault(section, {}).update(made)

    def reader(self) -> dict[str, str]:
        """The header of a token that may read the hub's API."""
        return {"Authorization": f"Bearer {self.secrets['access_tokens']['reader']}"}

    def kill(self) -> None:
        """kill -9 of the main process."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def running(
    log: Path,
    *place: str,
    options: tuple[str, ...] = (),
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Hub]:
    """A hub from the moment it says that it is ready. `place` is --data DIR or --database-url URL."""
    port = port or free_port()
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command("serve", *place, "--port", str(port), *options),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=ENVIRONMENT | dict(environment or {}),
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready" in line, f"it did not start: {log.read_text(encoding='utf-8')[-2000:]}"
        yield Hub(place, port, process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def working(url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`tellback work` in a process of its own, from the moment it is ready."""
    process = subprocess.Popen(
        command("work", "--database-url", url, "--allow-destination", "127.0.0.0/8", *options),
        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def until_ready(hub: Hub, seconds: float = 10) -> float:
    """Wait for 200 at /healthz/ready; how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if httpx.get(f"{hub.url}/healthz/ready", timeout=2, trust_env=False).status_code == 200:
                return time.monotonic() - began
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"not ready within {seconds} s")
