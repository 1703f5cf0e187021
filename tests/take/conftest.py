"""Hubs with a survey's public page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.sync_api import Browser
from tests.support import browser as browsers
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.visitor import Visitor

SURVEYS = Path(__file__).with_name("surveys.yaml")


@pytest.fixture(scope="session")
def shop_port() -> int:
    """Where another site is served from, on localhost, that may frame one of the surveys."""
    return hubs.free_port()


@pytest.fixture(scope="session")
def surveys(tmp_path_factory: pytest.TempPathFactory, shop_port: int) -> Path:
    """The document, with the port of the site that may frame."""
    file = tmp_path_factory.mktemp("surveys") / "surveys.yaml"
    file.write_text(SURVEYS.read_text(encoding="utf-8").replace("{port}", str(shop_port)), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def hub(
    postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory, surveys: Path
) -> Iterator[hubs.Hub]:
    """A provisioned hub that shows its pages over plain HTTP; shared by all tests of the page."""
    folder = tmp_path_factory.mktemp("take")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--dev")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(surveys)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def proxied(hub: hubs.Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Another server on the same database, behind a proxy that ends TLS, with limits that are soon reached."""
    folder = tmp_path_factory.mktemp("proxied")
    options = ("--trusted-proxy", "127.0.0.0/8", "--limit-loopback", "--address-limit", "100/1m")
    with hubs.running(folder / "log", *hub.place, options=options) as other:
        yield other


@pytest.fixture
def visit(hub: hubs.Hub) -> Iterator[Callable[..., Visitor]]:
    """Open a survey's page as somebody new: by its token, with httpx's options."""
    clients: list[httpx.Client] = []

    def opened(survey: str = "visit", **options: Any) -> Visitor:
        clients.append(hub.client(**options))
        return Visitor(clients[-1], f"/take/{survey}").open()

    yield opened
    for client in clients:
        client.close()


Ask = Callable[..., list[asyncpg.Record]]


@pytest.fixture
def ask(hub: hubs.Hub) -> Ask:
    """Rows of the hub's database."""

    async def fetched(query: str, arguments: tuple[Any, ...]) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(hub.place[1])
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()

    return lambda query, *arguments: databases.run(fetched(query, arguments))


@pytest.fixture
def run(hub: hubs.Hub) -> Callable[[str], None]:
    """Statements in the hub's database."""

    async def ran(script: str) -> None:
        connection = await asyncpg.connect(hub.place[1])
        try:
            await connection.execute(script)
        finally:
            await connection.close()

    return lambda script: databases.run(ran(script))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Gone with its module: while playwright's loop runs in this thread no other test can run one of its own."""
    with browsers.started() as browser:
        yield browser
