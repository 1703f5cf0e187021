"""The page while the database is away: nothing that was typed is lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.support import hub as hubs
from tests.support.visitor import Visitor

from tellback.storage import embedded


def test_keeps_what_was_sent_until_the_database_is_back(tmp_path: Path, surveys: Path) -> None:
    data = Path(tempfile.mkdtemp(prefix="tellback-test-"))
    server = embedded.EmbeddedPostgres(data)
    try:
        server.start()
        options = ("--dev", "--files", str(tmp_path / "files"))
        with hubs.running(tmp_path / "log", "--database-url", server.url, options=options) as hub:
            hub.apply(surveys)
            with hub.client() as http:
                ann = Visitor(http, "/take/visit").open().send(choice="105")
                server.stop()
                ann.send(text="\n A long <story>")
                assert_kept(ann)
                ann.send()  # too early
                assert_kept(ann)
                looked = http.get("/take/visit")
                assert looked.status_code == 503
                assert "not available right now" in looked.text
                server.start()
                assert ann.send().question == "How helpful was our staff?"
                ann.open("/take/visit?question=2")
                assert ann.document.fields()["text"] == "\n A long <story>"
    finally:
        server.stop()
        shutil.rmtree(data)


def assert_kept(ann: Visitor) -> None:
    assert ann.page.status_code == 503
    assert int(ann.page.headers["retry-after"]) >= 1
    assert ann.page.headers["content-type"] == "text/html; charset=utf-8"
    assert "A long &lt;story&gt;" in ann.page.text
    assert ann.document.fields()["text"] == "\n A long <story>"
