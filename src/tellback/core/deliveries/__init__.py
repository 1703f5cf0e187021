"""Deliveries: calls to other systems, from the queue to what came of them, at least once each.

- `definitions`, `requests`: what a destination is; requests made of its templates when the event is acted on.
- `queries`, `attempt_queries`, `settling`, `rules`, `hints`: queues, attempts, outcomes, and what comes after.
  Sending itself is `tellback.worker`'s, by `addresses` and `signing`.
- `paths`, `capturing`: values picked from an answer, stored on the event's subject.
- `actions`, `reading_queries`: what people see of queues, and do to them.
"""

from tellback.core.deliveries import queries, reading_queries
from tellback.core.deliveries.actions import cancel, enable, find, go_on, known, replay, replay_many

__all__ = [
    "cancel",
    "enable",
    "find",
    "go_on",
    "known",
    "queries",
    "reading_queries",
    "replay",
    "replay_many",
]
