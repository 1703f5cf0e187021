"""Counters, histograms, and their text over several workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import parser

from tellback.kit import metrics


def read(text: bytes) -> dict[str, float]:
    """Every sample by `name{label=value,…}`, as Prometheus' own parser reads it."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in parser.text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_is_read_by_prometheus() -> None:
    registry = metrics.Registry()
    filed = registry.counter("tellback_filed_total", "Tickets filed.", "outcome")
    took = registry.histogram("tellback_took_seconds", "How long it took.", "surface")
    registry.gauge("tellback_waiting", "Writes that wait.", lambda: 7)
    filed.add("created")
    filed.add("created", by=2)
    filed.add('odd "name"\n\\')
    for seconds in (0.0005, 0.001, 0.3, 1000):
        took.observe(seconds, "hub")
    samples = read(registry.render())
    assert samples["tellback_filed_total[('outcome', 'created')]"] == 3
    assert samples["tellback_filed_total[('outcome', 'odd \"name\"\\n\\\\')]"] == 1
    assert samples["tellback_waiting[]"] == 7
    bucket = "tellback_took_seconds_bucket[('le', '{}'), ('surface', 'hub')]"
    assert samples[bucket.format("0.001")] == 2
    assert samples[bucket.format("0.5")] == 3
    assert samples[bucket.format("+Inf")] == 4
    assert samples["tellback_took_seconds_count[('surface', 'hub')]"] == 4
    assert samples["tellback_took_seconds_sum[('surface', 'hub')]"] == pytest.approx(1000.3015)


def worker(folder: Path, number: int) -> tuple[metrics.Registry, metrics.Counter]:
    registry = metrics.Registry()
    counter = registry.counter("tellback_filed_total", "Tickets filed.")
    registry.share(folder, number)
    return registry, counter


def test_adds_up_all_workers(tmp_path: Path) -> None:
    (first, one), (second, two) = worker(tmp_path, 0), worker(tmp_path, 1)
    one.add(by=2)
    two.add(by=3)
    first.save()
    second.save()
    one.add()  # not saved yet, and known all the same to the one who is asked
    assert read(first.render()) == {"tellback_filed_total[]": 6}
    assert read(second.render()) == {"tellback_filed_total[]": 5}


def test_goes_on_where_a_worker_ended(tmp_path: Path) -> None:
    registry, counter = worker(tmp_path, 0)
    counter.add(by=2)
    registry.save()
    registry, counter = worker(tmp_path, 0)
    counter.add()
    assert read(registry.render()) == {"tellback_filed_total[]": 3}


def test_does_without_a_snapshot_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_bytes(b'{"tellback_filed_total": [[[], [1')
    registry, counter = worker(tmp_path, 0)
    counter.add()
    assert read(registry.render()) == {"tellback_filed_total[]": 1}


def test_refuses_one_name_twice_and_labels_that_do_not_fit() -> None:
    registry = metrics.Registry()
    counter = registry.counter("tellback_a_total", "A.", "kind")
    with pytest.raises(ValueError, match="there already"):
        registry.counter("tellback_a_total", "A again.")
    with pytest.raises(ValueError, match="labels"):
        counter.add("x", "y")
