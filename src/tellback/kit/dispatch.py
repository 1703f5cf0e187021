"""Which surface owns a path. A surface never answers in another's words, so its prefix decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tellback.core import errors
from tellback.kit import answers, problems

Refusal = Callable[[errors.HubError], answers.Answer]


@dataclass(frozen=True)
class Surface:
    """One dialect, API or site: the prefixes it owns, its ASGI application, and its words for a refusal.

    A prefix ends on a segment boundary: `/surveys` owns `/surveys` and `/surveys/1`, not `/surveys-old`. A segment
    `*` after the first stands for any one: `/s/*/capi`.
    `limited` is False where a rate limit per address would do harm, as with a load balancer's health checks.
    `drain` ends what is held open on purpose, when the process is about to stop.
    """

    name: str
    prefixes: tuple[str, ...]
    app: answers.App
    refusal: Refusal
    limited: bool = True
    drain: Callable[[], None] | None = None


class Dispatcher:
    """The surfaces that are mounted. The longest matching prefix wins; a path of none of them is nobody's."""

    def __init__(self, surfaces: Iterable[Surface]) -> None:
        self._by_segment: dict[str, list[tuple[str, str, Surface]]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Surface]]] = {}
        self._surfaces: tuple[Surface, ...] = ()
        self.mount(surfaces)

    def mount(self, surfaces: Iterable[Surface]) -> None:
        """Mount these, in place of what was mounted. Raises `ValueError` when two want one prefix."""
        owners: dict[str, Surface] = {}
        self._surfaces = tuple(surfaces)
        for surface in self._surfaces:
            for prefix in surface.prefixes:
                path = prefix.rstrip("/")
                if path in owners:
                    raise ValueError(f"{prefix} belongs to {owners[path].name} and to {surface.name}")
                owners[path] = surface
        # Candidates by first segment, longest first: most paths are decided by one comparison.
        self._by_segment, self._patterns = {}, {}
        for path in sorted(owners, key=len, reverse=True):
            segment = path[1:].partition("/")[0]
            if "*" in path:
                pattern = re.compile(
                    "/".join("[^/]+" if one == "*" else re.escape(one) for one in path.split("/")) + "(?:/|$)"
                )
                self._patterns.setdefault(segment, []).append((pattern, owners[path]))
            else:
                self._by_segment.setdefault(segment, []).append((path, f"{path}/", owners[path]))

    def drain(self) -> None:
        """Tell the surfaces that the process is about to stop."""
        for surface in self._surfaces:
            if surface.drain is not None:
                surface.drain()

    def surface_of(self, path: str) -> Surface:
        """The owner of `path`, or `NOBODY`."""
        end = path.find("/", 1)
        segment = path[1:] if end < 0 else path[1:end]
        for exact, below, surface in self._by_segment.get(segment, ()):
            if path.startswith(below) or path == exact:
                return surface
        for pattern, surface in self._patterns.get(segment, ()):
            if pattern.match(path):
                return surface
        return NOBODY


async def _not_found(_scope: answers.Scope, _receive: answers.Receive, send: answers.Send) -> None:
    await answers.send_answer(send, problems.refusal(errors.NotFound("There is nothing at this path.")))


#: Owns every path that no surface does.
NOBODY = Surface("none", (), _not_found, problems.refusal)
