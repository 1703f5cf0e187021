"""(a) Durable intake beside the same stack storing nothing, and beside a transaction a request."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import hub, load, plain, processes, rounds, served, table
from tellback.settings import Settings

CLIENTS = (1, 16, 64, 256)
NOTHING, EACH = "stores nothing", "a transaction a request"
#: (workers, clients): the least share of the handler that stores nothing
SHARES = {(1, 64): 0.75, (2, 64): 0.5, (2, 256): 0.65}
LONE_SHARE = 0.9
LONE_MOST = 1.1


def measure(settings: rounds.Settings) -> table.Section:
    """With one worker and with two; the contestants share one database and are measured in turn."""
    section = table.Section(
        "Durable intake", ("workers", "clients", "contestant", *rounds.COLUMNS, "of storing nothing")
    )
    for workers in (1, 2):
        with ExitStack() as stack:
            ours = stack.enter_context(hub.filled(settings, f"intake-{workers}", workers=workers))
            contestants = [rounds.Contestant(hub.NAME, ours.port, [hub.create(ours.port)])]
            for name, factory in ((NOTHING, "stores_nothing"), (EACH, "one_transaction_each")):
                port = stack.enter_context(_variant(settings, ours, factory, workers))
                contestants.append(rounds.Contestant(name, port, [hub.create(port)]))
            for clients in CLIENTS:
                found = rounds.interleaved(settings, contestants, clients)
                _tabulate(section, workers, clients, found)
                if (workers, clients) == (1, 1):
                    _lone_caller(settings, section, ours, found)
    return section


@contextmanager
def _variant(settings: rounds.Settings, ours: hub.Hub, factory: str, workers: int) -> Iterator[int]:
    """The hub's application with another writer, on the same database; gives its port."""
    told = Settings(
        data=ours.data,
        database_url=hub.database_url(ours.data),
        port=processes.free_port(),
        workers=workers,
    )
    log = settings.temp / f"{factory}-{workers}.log"
    with served.serving(f"bench.variants:{factory}", told, log) as port:
        outcome = load.run(load.Load(port, [hub.create(port)], connections=1, seconds=0.5, warm_up=0.2))
        if not outcome.sample or outcome.faults:
            raise processes.BenchFault(f"{factory} does not answer as the hub does: {outcome.faults}")
        yield port


def _tabulate(section: table.Section, workers: int, clients: int, found: dict[str, rounds.Median]) -> None:
    for name, median in found.items():
        share = rounds.ratio(median, found[NOTHING])
        section.rows.append((str(workers), str(clients), name, *median.cells(), table.number(share)))
    if (workers, clients) in SHARES:
        what = f"intake, {table.counted(workers, 'worker')}, {clients} clients, of storing nothing"
        share = rounds.ratio(found[hub.NAME], found[NOTHING])
        section.targets.append(table.Target(what, share, SHARES[workers, clients]))
    if (workers, clients) == (1, 1):
        share = rounds.ratio(found[hub.NAME], found[EACH])
        what = "intake, 1 client, of the same handler with a plain transaction"
        section.targets.append(table.Target(what, share, LONE_SHARE))


def _lone_caller(
    settings: rounds.Settings, section: table.Section, ours: hub.Hub, found: dict[str, rounds.Median]
) -> None:
    """What gathering costs a lone caller: its time against storing nothing plus one bare transaction."""
    url = hub.database_url(ours.data)
    bare = statistics.median(plain.milliseconds(url, settings.seconds) for _ in range(settings.rounds))
    taken, nothing = found[hub.NAME].p50, found[NOTHING].p50
    section.targets.append(
        table.Target(
            "intake, 1 client, p50 of (storing nothing + the statement alone)",
            taken / (nothing + bare),
            LONE_MOST,
            at_least=False,
        )
    )
    section.remarks.append(
        f"one caller, p50: {taken:.2f} ms; storing nothing {nothing:.2f} ms; the same statement alone,"
        f" in a loop without HTTP, {bare:.2f} ms"
    )
