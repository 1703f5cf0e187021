"""Commands where files are in a bucket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.support import buckets, command
from tests.support import hub as hubs
from tests.support import postgres as databases

#: Files are looked at first.
NOWHERE = "postgresql://hub@127.0.0.1:1/hub"


def test_works_and_leaves_in_order_beside_it(
    workspace_url: str, bucket_server: buckets.Server, tmp_path: Path
) -> None:
    place = ("--database-url", workspace_url, "--files", f"s3://{bucket_server.make_bucket()}")
    with command.started("work", *place, environment=bucket_server.environment) as running:
        running.wait_for(lambda line: "ready" in line)
        assert running.end() == 0
        assert "".join(running.errors) == ""


def test_does_not_start_on_a_bucket_that_is_not_there(bucket_server: buckets.Server) -> None:
    for words in (("serve", "--port", "0"), ("work",)):
        place = ("--database-url", NOWHERE, "--files", "s3://no-such-bucket/x")
        done = command.tellback(*words, *place, environment=bucket_server.environment)
        assert (done.code, done.out) == (2, "")
        why = f"there is no bucket no-such-bucket at 127.0.0.1:{bucket_server.port}"
        assert done.err == f"tellback: cannot keep files in s3://no-such-bucket/x: {why}\n"


def test_says_what_to_install_where_it_is_not(bucket_server: buckets.Server, tmp_path: Path) -> None:
    (tmp_path / "obstore.py").write_text("raise ImportError\n")
    done = command.tellback(
        "serve", "--port", "0", "--database-url", NOWHERE, "--files", "s3://feedback",
        environment=bucket_server.environment
        | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "tellback: files at s3:// need tellback's extra of that name; install it from its checkout: pip install '.[s3]'\n"
    )


def test_is_looked_at_by_doctor(bucket_server: buckets.Server, tmp_path: Path) -> None:
    bucket = bucket_server.make_bucket()

    def finding(place: str) -> dict[str, Any]:
        done = command.tellback(
            "doctor", "--data", tmp_path / "none", "--port", hubs.free_port(), "--files", place, "--output", "json",
            environment=bucket_server.environment,
        )  # fmt: skip
        found = {one["subject"]: one for one in done.json()["findings"]}
        files: dict[str, Any] = found["files"]
        return files

    assert finding(f"s3://{bucket}/x")["ok"]
    wrong = finding("s3://no-such-bucket")
    assert not wrong["ok"]
    assert "there is no bucket no-such-bucket" in wrong["message"]
    assert "AWS_" in wrong["advice"]


def test_is_saved_by_its_own_means(
    workspace_url: str, postgres: databases.Cluster, bucket_server: buckets.Server, tmp_path: Path
) -> None:
    place, file = f"s3://{bucket_server.make_bucket()}/x", tmp_path / "hub.tar"
    done = command.tellback("db", "backup", file, "--database-url", workspace_url, "--files", place)
    assert (done.code, done.err) == (0, "")
    size = f"{file.stat().st_size:,} bytes"
    apart = f"the files stay in {place}: save them by the bucket's own means"
    assert done.out == f"{file}: the database, {size}; {apart}\n"
    empty = databases.empty_database(postgres)
    try:
        done = command.tellback(
            "db", "restore", file, "--database-url", empty, "--files", place, "--output", "json",
            environment=bucket_server.environment,
        )  # fmt: skip
        assert (done.code, done.err) == (0, "")
        assert done.json() == {"files": None, "size": file.stat().st_size}
        assert command.tellback("config", "show", "-w", "demo", "--database-url", empty).code == 0
    finally:
        databases.drop(postgres, empty)


def test_takes_no_files_from_a_backup(
    workspace_url: str, postgres: databases.Cluster, bucket_server: buckets.Server, tmp_path: Path
) -> None:
    blob = tmp_path / "files" / "0a" / ("0a" * 16)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"a log")
    file = tmp_path / "hub.tar"
    done = command.tellback(
        "db", "backup", file, "--database-url", workspace_url, "--files", tmp_path / "files"
    )
    assert done.code == 0, done.err
    empty = databases.empty_database(postgres)
    place = ("--database-url", empty, "--files", f"s3://{bucket_server.make_bucket()}")
    try:
        done = command.tellback("db", "restore", file, *place, environment=bucket_server.environment)
        assert (done.code, done.out) == (2, "")
        assert "restore it with --files naming a folder, and copy that into the bucket" in done.err
        assert command.tellback("db", "status", "--database-url", empty).out.count("pending") > 0
    finally:
        databases.drop(postgres, empty)
