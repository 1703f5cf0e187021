"""The parent: takes the port, starts the workers, says when the hub is ready, keeps it so until told to stop.

It imports neither the application nor the server, so that it is up at once and stays small, with little in it
that could crash.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from tellback import headstart, settings
from tellback.server import address, assignment, certificates, folder, probe, signals
from tellback.server.crew import Crew
from tellback.server.faults import StartFailed

POLL_S = 0.005

Prepare = Callable[[settings.Settings], AbstractContextManager[settings.Settings]]


def serve(
    config: settings.Settings,
    *,
    target: str = headstart.APPLICATION,
    prepare: Prepare = nullcontext,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; a second one does not wait for requests in flight.

    `target` names the factory a worker calls with the settings. `prepare` is entered while the workers import
    and left after they ended: it brings up what they need (the database), and gives the settings that say
    where that is. `announce` is called once, with the line that says where the hub is, when it is ready.
    Raises `CannotServe`, and what `prepare` raises; then nothing is left running.
    """
    with ExitStack() as stack:
        if config.tls_cert and config.tls_key:
            certificates.check(config.tls_cert, config.tls_key)
        taken = address.take(config.host, config.port)
        stack.callback(taken.close)
        private = stack.enter_context(folder.private())
        bell = stack.enter_context(signals.installed())
        crew = Crew(target, config.workers, bell)
        # What is prepared outlives the workers.
        with ExitStack() as prepared, crew.running():
            crew.start()
            try:
                with bell.interrupting():
                    final = prepared.enter_context(prepare(config))
            except signals.Stopped:
                return
            given = _assignment(final, taken, private)
            crew.assign(given)
            if _became_ready(crew, bell, taken, tls=given.tls_cert is not None):
                announce(f"tellback is ready at {taken.url('https' if given.tls_cert else 'http')}")
                crew.keep()


def _assignment(final: settings.Settings, taken: address.Address, private: Path) -> assignment.Assignment:
    key = certificates.as_pkcs8(final.tls_key, private) if final.tls_key else None
    return assignment.Assignment(
        number=0,
        settings=final,
        ip=taken.ip,
        port=taken.port,
        folder=private,
        tls_cert=final.tls_cert,
        tls_key=key,
    )


def _became_ready(crew: Crew, bell: signals.Bell, taken: address.Address, *, tls: bool) -> bool:
    """True once the hub is ready, False when told to stop. Raises `StartFailed` when a worker gives up."""
    while not bell.stopping:
        # All workers, not just the one that answered: whoever dies next, somebody is there.
        if probe.ready(taken.reachable, tls=tls) and _all_listen(crew, taken):
            return True
        if crew.anyone_ended():
            raise StartFailed("a worker ended before the hub was ready; the lines above say why")
        bell.wait(POLL_S)
    return False


def _all_listen(crew: Crew, taken: address.Address) -> bool:
    listening = probe.listeners(taken.port)
    return listening is None or listening >= crew.size
