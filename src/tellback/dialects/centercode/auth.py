"""The API key: where it is looked for, and what it must be good for.

Order of refusals (docs/dialects/centercode.md): no, unknown or disabled key 401; caller's address not on the
key's list, or not the source's key 403; project or source unknown 404.
"""

from __future__ import annotations

from urllib.parse import unquote

from tellback.core import errors, projects, workspaces
from tellback.core.projects import Project, Source
from tellback.core.workspaces import Credential
from tellback.kit.call import Call
from tellback.kit.limits import Limits


def presented_key(call: Call) -> str | None:
    """The key as the `apiKey` parameter, in the path (seed 000 prints it without a `?`), or in `Authorization`."""
    key = call.query_value("apiKey")
    if key:
        return key
    path: str = call.scope["path"]
    _, _, literal = path.rpartition("apiKey=") if "apiKey=" in path else ("", "", "")
    if literal:
        return unquote(literal)
    header = (call.header(b"authorization") or "").strip()
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    return header or None


async def credential(call: Call, limits: Limits) -> Credential:
    """The key's credential, noted on the call. Raises `Unauthenticated`, `RateLimited`, `Forbidden`."""
    try:
        known = await _known(call)
    except errors.Unauthenticated:
        if "project" in call.scope["path_params"]:
            # Whoever it is, they mean this project, and its people whom the log tells of it.
            project = call.path_part("project")
            call.addressed = await projects.workspace_of(call.hub.db, call.hub.configuration, project)
        raise
    call.credential = known
    if not known.enabled:
        raise errors.Unauthenticated("The API key is disabled.")
    limits.check_credential(f"{known.workspace.id}:{known.id}", loopback=call.peer.loopback)
    if not workspaces.rules.address_allowed(known, call.peer.address):
        raise errors.Forbidden("The API key may not be used from this address.")
    return known


async def _known(call: Call) -> Credential:
    """The credential of the call's key, also one that is disabled."""
    key = presented_key(call)
    if key is None:
        raise errors.Unauthenticated("The API key is missing.")
    known = await workspaces.known_credential(call.hub.db, call.hub.configuration, "api_key", key)
    if known is None:
        raise errors.Unauthenticated("The API key is not valid.")
    return known


async def source(call: Call, known: Credential, project_key: str, name: str) -> tuple[Project, Source]:
    """The project and the source in the address. Raises `NotFound`, `Forbidden`."""
    project = await projects.find(call.hub.db, call.hub.configuration, known.workspace.id, project_key)
    found = projects.source_named(project, name) if project else None
    if project is None or found is None:
        raise errors.NotFound("There is no such project or source.")
    call.notes.target = f"{project.key}/{found.key}"
    if found.credential_id != known.id:
        raise errors.Forbidden("The API key is not the one this source was set up with.")
    return project, found
