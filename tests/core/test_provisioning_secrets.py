"""Secrets in a document: given, named, absent, changed, clashing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tellback.core import errors, form_values, provisioning, workspaces
from tellback.core.cache import ConfigurationCache
from tellback.core.provisioning import Outcome
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio

IN_USE = "this secret is in use already; every key needs its own"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


async def applied(db: Database, text: str, *, prune: bool = False) -> Outcome:
    return await provisioning.apply(db, provisioning.read(text, "hub.yaml"), prune=prune)


async def keys(db: Database, keys: str, *, workspace: str = "demo", prune: bool = False) -> Outcome:
    return await applied(db, f"workspace: {{slug: {workspace}}}\napi_keys: [{keys}]", prune=prune)


async def opens(db: Database, secret: str) -> str | None:
    """The name of the enabled key that a secret opens with."""
    credential = await workspaces.known_credential(db, ConfigurationCache(db), "api_key", secret)
    return credential.name if credential and credential.enabled else None


async def refusal(db: Database, text: str) -> list[str]:
    with pytest.raises(errors.Invalid) as refused:
        await keys(db, text)
    return [str(fault) for fault in refused.value.faults]


async def test_makes_an_absent_secret_once_and_keeps_it(db: Database) -> None:
    outcome = await keys(db, "{name: a}")
    made = outcome.as_json()["secrets"]["api_keys"]["a"]
    assert made.startswith("key_")
    assert len(made) >= 4 + 43  # 256 bits in base64url
    assert outcome.lines()[-1] == f"  api_keys.a: {made}"
    assert await opens(db, made) == "a"

    assert (await keys(db, "{name: a}")).changed == ()
    outcome = await keys(db, "{name: a, enabled: false}")
    assert outcome.secrets == ()
    await keys(db, "{name: a}")
    assert await opens(db, made) == "a"


async def test_replaces_a_secret_that_is_given_anew(db: Database) -> None:
    await keys(db, "{name: a, key: first}")
    outcome = await keys(db, "{name: a, key: second}")
    assert [str(change) for change in outcome.changed] == ["changed api_keys.a (key: changed)"]
    assert outcome.as_json()["secrets"] == {"api_keys": {"a": "second"}}
    assert outcome.lines() == ["changed api_keys.a (key: changed)", "demo: 1 changed"]
    assert (await opens(db, "first"), await opens(db, "second")) == (None, "a")


async def test_takes_digits_as_the_text_in_the_file(db: Database) -> None:
    await keys(db, "{name: 7, key: 0123}")
    assert await opens(db, "0123") == "7"


async def test_lets_two_keys_swap_their_secrets(db: Database) -> None:
    await keys(db, "{name: a, key: one}, {name: b, key: two}")
    await keys(db, "{name: a, key: two}, {name: b, key: one}")
    assert (await opens(db, "one"), await opens(db, "two")) == ("b", "a")


async def test_lets_a_renamed_key_take_its_secret_along(db: Database) -> None:
    await keys(db, "{name: old, key: one}")
    await keys(db, "{name: new, key: one}", prune=True)
    assert await opens(db, "one") == "new"

    outcome = await keys(db, "{name: old}")  # its secret went to the other one, so nobody can open it
    assert [str(change) for change in outcome.changed] == ["restored api_keys.old"]
    assert await opens(db, "one") == "new"


async def test_refuses_a_secret_that_another_key_of_the_workspace_goes_on_using(db: Database) -> None:
    await keys(db, "{name: a, key: one}")
    assert await refusal(db, "{name: b, key: one}") == [f"hub.yaml:2: api_keys[0].key: {IN_USE}"]
    assert await refusal(db, "{name: b, key: one}, {name: a}") == [f"hub.yaml:2: api_keys[0].key: {IN_USE}"]
    assert await opens(db, "one") == "a"


async def test_refuses_a_secret_of_another_workspace_without_saying_whose(db: Database) -> None:
    await keys(db, "{name: theirs, key: one}", workspace="other")
    assert await refusal(db, "{name: ours, key: one}") == [f"hub.yaml:2: api_keys[0].key: {IN_USE}"]
    await applied(db, "workspace: {slug: other}", prune=True)
    assert await refusal(db, "{name: ours, key: one}") == [f"hub.yaml:2: api_keys[0].key: {IN_USE}"]


async def test_reads_secrets_from_the_environment_and_from_files(db: Database, tmp_path: Path) -> None:
    (tmp_path / "web.key").write_text("from-a-file\n")
    source = form_values.secrets_of({"MOBILE": "from-the-environment"}.get, tmp_path)
    text = (
        "workspace: {slug: demo}\napi_keys: [{name: a, key: {env: MOBILE}}, {name: b, key: {file: web.key}}]"
    )
    await provisioning.apply(db, provisioning.read(text, "hub.yaml", source))
    assert (await opens(db, "from-the-environment"), await opens(db, "from-a-file")) == ("a", "b")


async def test_says_where_a_named_secret_cannot_be_found(tmp_path: Path) -> None:
    source = form_values.secrets_of({"EMPTY": ""}.get, tmp_path)
    text = """\
workspace: {slug: demo}
api_keys:
  - {name: a, key: {env: EMPTY}}
  - {name: b, key: {file: gone}}
  - {name: c, key: {var: X}}
"""
    assert [str(fault) for fault in provisioning.read(text, "hub.yaml", source).faults] == [
        "hub.yaml:3: api_keys[0].key: the environment variable EMPTY is not set",
        "hub.yaml:4: api_keys[1].key: the file gone cannot be read: No such file or directory",
        "hub.yaml:5: api_keys[2].key: a secret (text, {env: NAME} or {file: PATH}) is due here",
    ]


async def test_checks_a_document_away_from_its_secrets() -> None:
    text = "workspace: {slug: demo}\napi_keys: [{name: a, key: {env: A}}, {name: b, key: {env: B}}]"
    assert provisioning.read(text, "hub.yaml", form_values.leave_unread).faults == ()


async def test_keeps_changes_and_makes_members_passwords(db: Database) -> None:
    member = "workspace: {slug: demo}\nmembers: [{email: Ada@demo.example, name: Ada, role: %s%s}]"
    made = (await applied(db, member % ("admin", ""))).as_json()["secrets"]["members"]["Ada@demo.example"]
    assert len(made) >= 20
    assert (await applied(db, member % ("admin", f", password: {made}"))).changed == ()
    assert (await applied(db, member % ("agent", ""))).secrets == ()

    outcome = await applied(db, member.replace("Ada@", "ada@") % ("agent", ", password: two words"))
    assert [str(change) for change in outcome.changed] == [
        "changed members.ada@demo.example (email: 'Ada@demo.example' -> 'ada@demo.example'; password: changed)"
    ]
    async with db.reading() as reader:
        hashed = await reader.fetchval("select password_hash from members")
    assert workspaces.passwords.matches(hashed, "two words")


async def test_makes_a_revoked_token_anew_and_keeps_one_that_works(db: Database) -> None:
    text = "workspace: {slug: demo}\naccess_tokens: [{key: bi, claims: [hub_read]}]"
    first = (await applied(db, text)).as_json()["secrets"]["access_tokens"]["bi"]
    assert (await applied(db, text)).changed == ()
    await applied(db, "workspace: {slug: demo}", prune=True)
    second = (await applied(db, text)).as_json()["secrets"]["access_tokens"]["bi"]

    with pytest.raises(errors.Unauthenticated):
        await workspaces.tokens.authenticate(db, ConfigurationCache(db), first)
    assert (await workspaces.tokens.authenticate(db, ConfigurationCache(db), second)).name == "bi"
