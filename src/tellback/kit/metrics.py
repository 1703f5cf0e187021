"""Counters and histograms over all worker processes, and the Prometheus text they are read as.

Counting is a dictionary look-up and an addition, because it happens on every request. Each worker keeps a
snapshot of its figures in a file, at most `SNAPSHOT_EVERY_S` old; whoever is scraped adds the others' files
to its own figures. A worker that is started again in the same place goes on from its predecessor's file.

prometheus-client does the same through files mapped into memory. It was measured and turned down: 3 to 5 µs a
request against 0.4 (docs/decisions/0004-http-server.md).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

SNAPSHOT_EVERY_S = 1.0
TEXT_FORMAT = b"text/plain; version=0.0.4; charset=utf-8"

#: Seconds; from a cached answer to an upload of gigabytes.
DURATION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

Labels = tuple[str, ...]
#: One series: its labels' values and its figures (a counter has one; a histogram its buckets, then the sum).
Series = dict[Labels, list[float]]
Snapshot = dict[str, list[tuple[Labels, list[float]]]]


class Counter:
    """Something that happens; figures only grow. Label values must come from a small fixed set."""

    kind = "counter"

    def __init__(self, name: str, description: str, labels: Labels) -> None:
        self.name, self.description, self.labels = name, description, labels
        self.series: Series = {}

    def add(self, *values: str, by: float = 1) -> None:
        """Count `by` more under these label values, in the order the labels were declared."""
        figures = self.series.get(values)
        if figures is None:
            figures = self.series[values] = _fresh(self.labels, values, 1)
        figures[0] += by

    def lines(self, series: Series) -> Iterable[str]:
        for values, figures in sorted(series.items()):
            yield f"{self.name}{_braces(self.labels, values)} {_number(figures[0])}"


class Gauge(Counter):
    """A level each worker reads off when asked (`read`), summed over the workers."""

    kind = "gauge"

    def __init__(self, name: str, description: str, read: Callable[[], float]) -> None:
        super().__init__(name, description, ())
        self._read = read

    def sample(self) -> None:
        self.series[()] = [float(self._read())]


class Histogram:
    """How long something takes, in seconds."""

    kind = "histogram"

    def __init__(self, name: str, description: str, labels: Labels) -> None:
        self.name, self.description, self.labels = name, description, labels
        self.series: Series = {}

    def observe(self, seconds: float, *values: str) -> None:
        figures = self.series.get(values)
        if figures is None:
            figures = self.series[values] = _fresh(self.labels, values, len(DURATION_BOUNDS) + 2)
        figures[bisect_left(DURATION_BOUNDS, seconds)] += 1
        figures[-1] += seconds

    def lines(self, series: Series) -> Iterable[str]:
        for values, figures in sorted(series.items()):
            seen = 0.0
            for bound, count in zip((*map(str, DURATION_BOUNDS), "+Inf"), figures, strict=False):
                seen += count
                yield f"{self.name}_bucket{_braces((*self.labels, 'le'), (*values, bound))} {_number(seen)}"
            braces = _braces(self.labels, values)
            yield f"{self.name}_sum{braces} {figures[-1]!r}"
            yield f"{self.name}_count{braces} {_number(seen)}"


Metric = Counter | Histogram
_AnyMetric = TypeVar("_AnyMetric", Counter, Gauge, Histogram)


class Registry:
    """The metrics of one process, and where the workers' snapshots lie (None: this process is alone)."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._file: Path | None = None

    def counter(self, name: str, description: str, *labels: str) -> Counter:
        return self._add(Counter(name, description, labels))

    def histogram(self, name: str, description: str, *labels: str) -> Histogram:
        return self._add(Histogram(name, description, labels))

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> Gauge:
        return self._add(Gauge(name, description, read))

    def share(self, folder: Path, worker: int) -> None:
        """Keep snapshots in `folder` as worker number `worker`, going on from the last one there."""
        self._file = folder / f"{worker}.json"
        for name, entries in _read_snapshot(self._file).items():
            if (metric := self._metrics.get(name)) is not None and metric.kind != "gauge":
                _sum_into(metric.series, entries)

    def save(self) -> None:
        """Write this process's snapshot, if it shares any. A full disk costs fresh figures, nothing else."""
        if self._file is None:
            return
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(self._snapshot()))
            os.replace(fresh, self._file)
        except OSError:
            return

    def render(self) -> bytes:
        """All workers' figures in Prometheus' text format, version 0.0.4."""
        total: dict[str, Series] = {name: {} for name in self._metrics}
        snapshots = [self._snapshot()]
        if self._file is not None:
            others = (path for path in self._file.parent.glob("*.json") if path != self._file)
            snapshots += [_read_snapshot(path) for path in others]
        for snapshot in snapshots:
            for name, entries in snapshot.items():
                _sum_into(total.setdefault(name, {}), entries)
        lines: list[str] = []
        for name, metric in sorted(self._metrics.items()):
            lines += [f"# HELP {name} {metric.description}", f"# TYPE {name} {metric.kind}"]
            lines += metric.lines(total[name])
        return ("\n".join(lines) + "\n").encode()

    def _add(self, metric: _AnyMetric) -> _AnyMetric:
        if metric.name in self._metrics:
            raise ValueError(f"the metric {metric.name} is there already")
        self._metrics[metric.name] = metric
        return metric

    def _snapshot(self) -> Snapshot:
        for metric in self._metrics.values():
            if isinstance(metric, Gauge):
                metric.sample()
        return {name: list(metric.series.items()) for name, metric in self._metrics.items()}


def _fresh(labels: Labels, values: Labels, count: int) -> list[float]:
    if len(labels) != len(values):
        raise ValueError(f"labels {labels} got values {values}")
    return [0.0] * count


def _sum_into(series: Series, entries: Iterable[tuple[Labels, list[float]]]) -> None:
    for values, figures in entries:
        mine = series.get(values)
        series[values] = (
            list(figures) if mine is None else [a + b for a, b in zip(mine, figures, strict=True)]
        )


def _read_snapshot(path: Path) -> Snapshot:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return {}


def _braces(labels: Labels, values: Labels) -> str:
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(figure: float) -> str:
    return str(int(figure)) if figure.is_integer() else repr(figure)


#: Every metric of the hub is registered here.
REGISTRY = Registry()
