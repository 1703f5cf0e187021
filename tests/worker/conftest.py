"""What all tests of workers start from: a workspace with empty queues."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support import outbox as outboxes
from tests.support.outbox import Outbox


@pytest.fixture
async def outbox(database_url: str) -> AsyncIterator[Outbox]:
    async with outboxes.opened(database_url) as opened:
        yield opened
