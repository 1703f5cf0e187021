"""(b) The same create against django-helpdesk and Roundup, each as its documentation sets it up.

Each peer has an environment of its own under .bench/, made from bench/peers/*.lock (hashes, no addresses).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

from bench import hub, processes, rounds, table
from bench.peers import helpdesk, roundup

CLIENTS = (1, 16, 64)
AT_LEAST = 100
PEERS = (helpdesk, roundup)


def measure(settings: rounds.Settings) -> table.Section:
    """Every peer that starts beside the hub with two workers; a peer that does not start fails the part."""
    section = table.Section(
        "The same create against the peers", ("clients", "contestant", *rounds.COLUMNS, "hub is faster by")
    )
    section.remarks += [line for peer in PEERS for line in peer.REMARKS]
    with ExitStack() as stack:
        contestants, faults = _started(settings, stack)
        for clients in CLIENTS:
            found = rounds.interleaved(settings, contestants, clients)
            _tabulate(section, clients, found)
    section.failed = "; ".join(faults)
    return section


def _started(settings: rounds.Settings, stack: ExitStack) -> tuple[list[rounds.Contestant], list[str]]:
    contestants: list[rounds.Contestant] = []
    faults: list[str] = []
    starts: Sequence[tuple[str, AbstractContextManager[list[rounds.Contestant]]]] = [
        ("hub", hub.contestants(settings, workers=2)),
        *((peer.__name__.rpartition(".")[2], peer.contestants(settings)) for peer in PEERS),
    ]
    for name, start in starts:
        try:
            contestants += stack.enter_context(start)
        except (processes.BenchFault, OSError, json.JSONDecodeError) as error:
            faults.append(f"{name}: {error}")
    return contestants, faults


def _tabulate(section: table.Section, clients: int, found: dict[str, rounds.Median]) -> None:
    ours = found.get(hub.NAME)
    for name, median in found.items():
        factor = rounds.ratio(ours, median) if ours and name != hub.NAME else None
        section.rows.append(
            (str(clients), name, *median.cells(), f"{table.number(factor)} x" if factor is not None else "")
        )
        if factor is not None and name == helpdesk.NAME:
            section.targets.append(
                table.Target(f"create, {table.counted(clients, 'client')}, times {name}", factor, AT_LEAST)
            )
