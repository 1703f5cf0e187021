"""No secret in any log, error, metric, intake row or file the hub writes beside its database."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import BETA, CREATE, KEY

UPLOAD = "/api/v1/projects/beta/feedbackTypes/app/{}/fileElements/crashlog"


def _wander(http: httpx.Client, canary: str, key: str) -> str:
    """Use a good key and a wrong one everywhere, rightly and wrongly; what was answered, as one text."""
    said = []

    def ask(method: str, url: str, **options: object) -> httpx.Response:
        answer = http.request(method, url, **options)  # type: ignore[arg-type]
        said.append(f"{answer.headers}{answer.text}")
        return answer

    made = ask("POST", f"{CREATE}?apiKey={key}", json={"title": "x", "password": canary}).json()
    for secret in (key, canary):
        parameter = {"apiKey": secret}
        ask(
            "POST",
            CREATE,
            params=parameter,
            json={"title": "", "apikey": secret, "nested": [{"token": secret}]},
        )
        ask("POST", CREATE, params=parameter, content=b"{", headers={"Content-Type": "application/json"})
        ask("POST", CREATE, params={"apiKey": key}, json={"title": "x", "apiKey": [secret, {"key": secret}]})
        cut_off = f'{{"title": "x", "apiKey": "{secret}'.encode()
        ask(
            "POST",
            CREATE,
            params={"apiKey": key},
            content=cut_off,
            headers={"Content-Type": "application/json"},
        )
        ask("POST", CREATE, params={"apikey": secret}, json={})
        ask("POST", CREATE, json={"title": "x"}, headers={"Authorization": secret})
        ask("POST", CREATE, json={"title": "x"}, headers={"Authorization": f"Bearer {secret}"})
        ask("PUT", CREATE, params=parameter)
        ask("GET", f"{CREATE}/{made['id']}", params=parameter)
        ask("POST", f"{CREATE}apiKey={secret}", json={"title": "x"})
        ask("POST", f"{CREATE}/nope/apiKey={secret}", json={"title": "x"})
        ask("GET", f"/nope?apiKey={secret}&apisecret={secret}&sessionId={secret}")
        ask("GET", f"/nopeapiKey={secret}")
        ask("POST", f"{UPLOAD.format(made['id'])}apiKey={secret}", files={"f": ("a.log", b"x")})
        ask("POST", f"{UPLOAD.format(made['id'])}apikey={secret}", headers={"Authorization": key})
        ask("POST", f"{UPLOAD.format('0')}?apiKey={secret}", files={"f": ("a.log", b"x")})
        ask("GET", "/hub/v1/tickets", headers={"Authorization": f"Bearer {secret}"})
        ask("GET", f"/hub/v1/tickets?access_token={secret}")
        ask("GET", "/hub/v1/tickets", headers={"Cookie": f"session={secret}"})
    return "".join(said)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_says_no_secret_anywhere(database_url: str, tmp_path: Path, level: str) -> None:
    canary, key = f"canary{uuid.uuid4().hex}", f"goodkey{uuid.uuid4().hex}"
    configuration = tmp_path / "hub.yaml"
    configuration.write_text(BETA.read_text(encoding="utf-8").replace(KEY, key), encoding="utf-8")
    log = tmp_path / "log"
    options = ("--files", str(tmp_path / "files"), "--log-level", level)
    with hubs.running(log, "--database-url", database_url, options=options) as hub, hub.client() as http:
        hub.apply(configuration)
        token = hub.secrets["access_tokens"]["reader"]
        said = _wander(http, canary, key)
        said += http.get("/metrics").text
        said += json.dumps(http.get("/hub/v1/intake?limit=1000", headers=hub.reader()).json())
        place = ("--workspace", "demo", *hub.place)
        for words in (("intake", "tail", *place, "--limit", "200"), ("config", "show", *place)):
            said += hubs.tellback(*words)
        said += hubs.tellback("doctor", *hub.place, check=False)
        said += hubs.tellback("token", "list", *place)
        said += "".join(_written_beside(tmp_path, configuration))
    said += log.read_text(encoding="utf-8")
    assert "Mobile apps" in said  # else nothing of all this was looked at
    for name, secret in {"wrong key": canary, "key": key, "token": token}.items():
        at = said.find(secret)
        assert at < 0, f"the {name} stands in: …{said[max(0, at - 200) : at + 20]}"


def _written_beside(folder: Path, *but: Path) -> list[str]:
    return [
        path.read_text(encoding="utf-8", errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and path not in but
    ]
