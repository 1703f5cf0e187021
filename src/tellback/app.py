"""The web application of one process: the surfaces behind one dispatcher, behind the front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tellback import hub_api, runtime, take
from tellback.core.hub import Hub
from tellback.dialects import centercode, cention, centracx, customergauge, meta
from tellback.kit import dispatch, front, heads, health, metrics
from tellback.kit.limits import Limits
from tellback.settings import Settings, networks
from tellback.worker import process

_open: list[Hub] = []

metrics.REGISTRY.gauge(
    "tellback_intake_waiting",
    "Writes that wait for a connection to the database.",
    lambda: sum(hub.commits.waiting for hub in _open),
)


def application(settings: Settings) -> front.Front:
    """The whole hub as one ASGI application; it opens when the worker that runs it enters its `life`."""
    surfaces = dispatch.Dispatcher([])
    limits = Limits(settings)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        async with runtime.opened(settings) as hub:
            surfaces.mount(mounted(hub, limits))
            _open.append(hub)
            try:
                async with process.working(hub, delivers=not settings.no_delivery):
                    yield
            finally:
                _open.remove(hub)

    return front.Front(
        surfaces, addresses=heads.Addresses(networks(settings.trusted_proxies)), limit=limits, life=life
    )


def mounted(hub: Hub, limits: Limits) -> list[dispatch.Surface]:
    """Every surface there is."""

    async def ready() -> None:
        async with hub.db.reading() as reader:
            await reader.fetchval("select 1")

    return [
        centercode.surface(hub, limits),
        centracx.surface(hub, limits),
        *customergauge.surfaces(hub, limits),
        cention.surface(hub, limits),
        meta.surface(hub, limits),
        take.surface(hub),
        hub_api.surface(hub, limits),
        health.surface(health.Readiness(ready)),
    ]
