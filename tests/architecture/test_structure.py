"""The house rules, as programs (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tellback

ROOT = Path(tellback.__file__).parent

# Each layer imports from itself and from those before it, but for surfaces, which never import each other.
LAYERS = [
    {"settings", "logs", "headstart"},
    {"storage"},
    {"core"},
    {"kit"},
    {"dialects", "hub_api", "take", "console", "worker"},
    {"app", "runtime", "server"},
    {"cli"},
    {"__main__"},
]
SURFACES = {"dialects", "hub_api", "take", "console", "worker"}
CAPABILITIES = [
    "templates", "workspaces", "files", "changes", "intake", "people", "projects", "tickets", "surveys", "responses",
    "imports", "reviews", "subjects", "deliveries", "automation", "windows", "erasure", "provisioning",
]  # fmt: skip
VENDORS = re.compile(r"centercode|centracx|customergauge|cention|facebook|meta_", re.IGNORECASE)
SQL = re.compile(
    r"\b(select|insert into|update|delete from)\b.+\b(from|values|set|where)\b", re.IGNORECASE | re.DOTALL
)
DOES_IO = {"asyncpg", "socket", "os", "pathlib", "subprocess", "asyncio", "tellback.storage.database"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by dotted name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(("tellback", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports from the package, wherever in it, but for annotations alone."""
    wanted: set[str] = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            wanted |= {name for name in whole if name in modules()} or {node.module}
            if any(name not in modules() for name in whole):
                wanted.add(node.module)
    return frozenset(name for name in wanted if name == "tellback" or name.startswith("tellback."))


def part(name: str, place: int) -> str:
    pieces = name.split(".")
    return pieces[place] if len(pieces) > place else ""


def layer_of(name: str) -> int | None:
    for number, layer in enumerate(LAYERS):
        if part(name, 1) in layer:
            return number
    return None


def test_has_a_layer_for_every_module() -> None:
    assert [name for name in modules() if name != "tellback" and layer_of(name) is None] == []


def test_imports_from_layers_below_alone() -> None:
    wrong = [
        f"{name} imports {other}"
        for name in modules()
        for other in imports(name)
        if (above := layer_of(other)) is not None and (mine := layer_of(name)) is not None and above > mine
    ]
    assert wrong == []


def test_keeps_surfaces_apart() -> None:
    def surface(name: str) -> str:
        top = part(name, 1)
        return f"dialects.{part(name, 2)}" if top == "dialects" else top

    wrong = [
        f"{name} imports {other}"
        for name in modules()
        for other in imports(name)
        if part(name, 1) in SURFACES and part(other, 1) in SURFACES and surface(name) != surface(other)
    ]
    assert wrong == []


def test_imports_capabilities_in_their_order() -> None:
    wrong = []
    for name in modules():
        if part(name, 1) != "core" or part(name, 2) not in CAPABILITIES:
            continue
        mine = CAPABILITIES.index(part(name, 2))
        wrong += [
            f"{name} imports {other}"
            for other in imports(name)
            if part(other, 1) == "core"
            and part(other, 2) in CAPABILITIES
            and CAPABILITIES.index(part(other, 2)) > mine
        ]
    assert wrong == []


def test_declares_every_capability() -> None:
    packages = {path.name for path in (ROOT / "core").iterdir() if (path / "__init__.py").exists()}
    assert packages <= set(CAPABILITIES)


def test_has_no_cycles() -> None:
    state: dict[str, int] = {}
    cycles: list[list[str]] = []

    def visit(name: str, trail: list[str]) -> None:
        state[name] = 1
        for other in sorted(imports(name)):
            # A package's door imports its rooms; a room that names the package means the door alone.
            if (
                other not in modules()
                or other == name
                or name.startswith(f"{other}.")
                or other.startswith(f"{name}.")
            ):
                continue
            if state.get(other) == 1:
                cycles.append([*trail[trail.index(other) :], other] if other in trail else [name, other])
            elif other not in state:
                visit(other, [*trail, other])
        state[name] = 2

    for name in modules():
        if name not in state:
            visit(name, [name])
    assert cycles == []


def test_keeps_models_and_rules_free_of_io() -> None:
    wrong = []
    for name, tree in modules().items():
        if part(name, 1) != "core" or part(name, 3) not in {"model", "rules", "mapping"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.AsyncFunctionDef, ast.Await)):
                wrong.append(f"{name} is asynchronous")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            wrong += [f"{name} imports {other}" for other in names if other in DOES_IO]
    assert wrong == []


def test_keeps_sql_in_queries_and_storage() -> None:
    wrong = []
    for name, tree in modules().items():
        if part(name, 1) == "storage" or "queries" in name.rpartition(".")[2]:
            continue
        documentation = {id(text) for text in docstrings(tree)}
        wrong += [
            f"{name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
            and SQL.search(node.value)
        ]
    assert wrong == []


def docstrings(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def test_names_no_vendor_in_the_core() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "core").rglob("*.py")
        if VENDORS.search(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_keeps_modules_and_functions_short(name: str) -> None:
    tree = modules()[name]
    length = max((getattr(node, "end_lineno", 0) or 0 for node in ast.walk(tree)), default=0)
    assert length <= 500
    long = [
        f"{node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_does_nothing_at_import() -> None:
    """No module connects, opens or starts anything while it is imported."""
    forbidden = {"open", "connect", "create_pool", "Popen", "run", "Thread"}
    wrong = []
    for name, tree in modules().items():
        for statement in tree.body:
            if not isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign)):
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    called = (
                        node.func.attr
                        if isinstance(node.func, ast.Attribute)
                        else getattr(node.func, "id", "")
                    )
                    if called in forbidden:
                        wrong.append(f"{name}:{node.lineno} calls {called}")
    assert wrong == []
