"""A worker process: imports the application, learns its assignment, answers requests until told to stop.

It dies with its parent, whatever kills that: by the kernel's signal on Linux, and anywhere because its
standard input, a pipe from the parent, ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import importlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Protocol

from tellback import logs, settings  # logs first: it keeps structlog's import light
from tellback.kit import answers, metrics
from tellback.server import assignment

# ruff: isort: split
import granian.server.embed
import uvloop
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings

_STDIN = 0
_PR_SET_PDEATHSIG = 1

#: granian's "backpressure" counts open connections, idle ones too: its default of 128 would let 128 idle
#: keep-alive clients shut everyone out.
CONNECTIONS = 4096
BACKLOG = 1024
#: Over the front's own limit, so that headers between the two are refused in a surface's words.
HTTP1_BUFFER = 128 * 1024
HEADER_READ_MS = 30_000
#: How long idle connections keep a stopping worker: granian would wait for those of HTTP/2 for ever.
QUIET_S = 0.5
#: Objects made between two searches for cycles.
_COLLECTED = 10_000


class Application(Protocol):
    """What a target's factory gives back; `kit.front.Front` is one."""

    in_flight: int

    async def __call__(
        self, scope: answers.Scope, receive: answers.Receive, send: answers.Send, /
    ) -> None: ...
    def life(self) -> contextlib.AbstractAsyncContextManager[object]: ...
    def drain(self) -> None: ...


Factory = Callable[[settings.Settings], Application]


def main() -> None:
    """The whole life of the process; `sys.argv` holds the target (`module:factory`) and the parent's id."""
    _die_with(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us all; the parent decides
    create = _imported(sys.argv[1])
    given = assignment.Assignment.from_line(sys.stdin.buffer.readline() or sys.exit(1))
    logs.configure(given.settings.log_level)
    application = create(given.settings)
    metrics.REGISTRY.share(given.folder, given.number)
    # What is imported stays. Looking through it in every full collection would take 20 ms, for no answer.
    gc.collect()
    gc.freeze()
    # Requests make thousands of objects at once and hardly a cycle.
    gc.set_threshold(_COLLECTED)
    status = uvloop.run(_serve(application, given))
    # No interpreter shutdown: native libraries' threads may still be about, and there is nothing left to do.
    sys.stdout.flush()
    os._exit(status)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask to be told
        os._exit(1)


def _imported(target: str) -> Factory:
    module, _, name = target.partition(":")
    factory: Factory = getattr(importlib.import_module(module), name)
    return factory


async def _serve(application: Application, given: assignment.Assignment) -> int:
    """Exit status 0 after a stop that was asked for, 1 when the server ended by itself or could not start."""
    loop = asyncio.get_running_loop()
    loop.add_reader(_STDIN, os._exit, 1)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = _granian(application, given)
    saving = loop.create_task(_save_figures())
    try:
        async with application.life():
            serving = loop.create_task(server.serve())
            await asyncio.wait({serving, loop.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                return 1
            application.drain()
            server.stop()  # type: ignore[no-untyped-call]
            await _finished(serving, application)
    except Exception as error:
        logs.logger("tellback.worker").error("worker_failed", exc_info=error)
        return 1
    finally:
        saving.cancel()
        metrics.REGISTRY.save()
    return 0


async def _finished(serving: asyncio.Task[None], application: Application) -> None:
    """Return once everything taken is answered; how long that may take is the parent's to decide."""
    loop = asyncio.get_running_loop()
    quiet_since = loop.time()
    while not serving.done() and loop.time() - quiet_since < QUIET_S:
        if application.in_flight:
            quiet_since = loop.time()
        await asyncio.wait({serving}, timeout=0.02)


async def _save_figures() -> None:
    while True:
        await asyncio.sleep(metrics.SNAPSHOT_EVERY_S)
        metrics.REGISTRY.save()


def _granian(application: Application, given: assignment.Assignment) -> granian.server.embed.Server:
    server = granian.server.embed.Server(
        application,
        address=given.ip,
        port=given.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.auto,
        websockets=False,
        backlog=BACKLOG,
        backpressure=_connections(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_MS, max_buffer_size=HTTP1_BUFFER),
        http2_settings=HTTP2Settings(
            max_concurrent_streams=128, max_headers_size=HTTP1_BUFFER, keep_alive_interval=30_000
        ),
        ssl_cert=given.tls_cert,
        ssl_key=given.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    log = logging.getLogger("_granian")
    log.handlers, log.propagate = [], True
    log.setLevel(logging.WARNING)
    # It says so at every start; decision 0004 has the reasons for using it all the same.
    log.addFilter(lambda record: record.getMessage() != "Embedded server is experimental!")
    return server


def _connections() -> int:
    """As many as there may be, under what the system lets this process open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(16, min(CONNECTIONS, soft - 128))
