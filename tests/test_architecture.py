"""The directions in which modules may know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path
import re
import sys

import pytest

HOUSE = Path(__file__).parents[1] / "custom_components" / "energy_connect"
PACKAGE = "custom_components.energy_connect"
MODULES = sorted(HOUSE.rglob("*.py"))
CORE = [path for path in MODULES if path.is_relative_to(HOUSE / "core")]
PROVIDERS = [path for path in MODULES if path.is_relative_to(HOUSE / "providers")]
HOME_ASSISTANT = sorted(set(MODULES) - {*CORE, *PROVIDERS})
KEYS = sorted(path.parent.name for path in (HOUSE / "providers").glob("*/__init__.py"))

# What `core` and `providers` may need besides Python: all of it is part of Home Assistant.
LIBRARIES = frozenset({"aiohttp", "cryptography", "jwt", "multidict", "orjson", "yarl"})
# Which accounts can be signed in to, and where, is what these two are about.
NAME_PROVIDERS = frozenset({"config_flow.py", "application_credentials.py"})
CLOCK = HOUSE / "core" / "clock.py"
WAY_OUT = HOUSE / "core" / "http.py"
CLOCKS = frozenset(
    {
        "asyncio.sleep",
        "time.time",
        "time.monotonic",
        "time.perf_counter",
        "time.sleep",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    }
)
SENDING = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "ws_connect"}
)

type Module = tuple[Path, ast.Module]


def name_of(path: Path) -> str:
    """Return a module's dotted name within the integration; a package's own is without `__init__`."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join((PACKAGE, *(part for part in parts if part != "__init__")))


def imports(source: str, path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, relative ones made absolute."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> list[str]:
    return list(imports(path.read_text(encoding="utf-8"), path))


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute of names, else an empty string."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}"
    return ""


def literals(source: str) -> Iterator[str]:
    """Yield the strings of a module, save for those that only explain."""
    tree = ast.parse(source)
    explaining = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in explaining:
                yield text


def undocumented(source: str) -> Iterator[str]:
    """Yield the public classes, functions and methods without a docstring, and the module."""

    def look(node: ast.Module | ast.ClassDef, inside: str) -> Iterator[str]:
        for child in node.body:
            if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if child.name.startswith("_"):
                continue
            if ast.get_docstring(child) is None:
                yield f"{inside}{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from look(child, f"{inside}{child.name}.")

    tree = ast.parse(source)
    if ast.get_docstring(tree) is None:
        yield "the module"
    yield from look(tree, "")


each_of_core = pytest.mark.parametrize("path", CORE, ids=name_of)
each_of_providers = pytest.mark.parametrize("path", PROVIDERS, ids=name_of)
each_below_home_assistant = pytest.mark.parametrize("path", [*CORE, *PROVIDERS], ids=name_of)
each_that_names_none = pytest.mark.parametrize(
    "path",
    [path for path in [*CORE, *HOME_ASSISTANT] if path.name not in NAME_PROVIDERS],
    ids=name_of,
)
each = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_there_is_something_to_look_at() -> None:
    assert CLOCK in CORE
    assert WAY_OUT in CORE
    assert HOUSE / "__init__.py" in HOME_ASSISTANT
    assert KEYS == ["enectiva", "enode", "ev_energy", "kostal", "traxes"]


@each_of_core
def test_core_knows_only_itself(path: Path) -> None:
    ours = [name for name in imports_of(path) if is_below(name, PACKAGE)]
    assert [name for name in ours if not is_below(name, f"{PACKAGE}.core")] == []


@each_of_providers
def test_a_provider_knows_core_and_itself(path: Path) -> None:
    inside = path.relative_to(HOUSE / "providers").parts
    # The registry, which stands beside them, knows them all.
    itself = f"{PACKAGE}.providers" + (f".{inside[0]}" if len(inside) > 1 else "")
    ours = [name for name in imports_of(path) if is_below(name, PACKAGE)]
    allowed = (f"{PACKAGE}.core", itself)
    assert [name for name in ours if not any(is_below(name, one) for one in allowed)] == []


@each_below_home_assistant
def test_neither_knows_home_assistant_nor_needs_what_it_does_not_bring(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports_of(path)}
    strangers = roots - LIBRARIES - sys.stdlib_module_names - {"custom_components"}
    assert strangers == set()


@each_that_names_none
def test_home_assistants_side_does_not_reach_into_a_provider(path: Path) -> None:
    reached = [
        name
        for name in imports_of(path)
        if any(is_below(name, f"{PACKAGE}.providers.{key}") for key in KEYS)
    ]
    assert reached == []


@each_that_names_none
def test_no_provider_is_named_outside_of_providers(path: Path) -> None:
    named = re.compile(rf"(?<![a-z0-9_])({'|'.join(KEYS)})(?![a-z0-9_])")
    found = [text for text in literals(path.read_text(encoding="utf-8")) if named.search(text)]
    assert found == []


@each
def test_only_the_way_out_sends(path: Path) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SENDING
        and dotted(node.func.value).endswith("session")
    ]
    assert bool(calls) is (path == WAY_OUT)


@pytest.mark.parametrize(
    "path", [path for path in [*CORE, *PROVIDERS] if path != CLOCK], ids=name_of
)
def test_time_is_handed_in(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {
        ".".join(dotted(node).split(".")[-2:])
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    named = {".".join(name.split(".")[-2:]) for name in imports_of(path)}
    assert (used | named) & CLOCKS == set()


@each_of_core
def test_what_others_use_is_explained(path: Path) -> None:
    assert list(undocumented(path.read_text(encoding="utf-8"))) == []


# The looking itself: it must be able to find something.


def test_imports_are_found_however_they_are_written() -> None:
    source = (
        "import homeassistant.core as ha, yarl\n"
        "from voluptuous import Schema\n"
        "def f():\n"
        "    from ..core.http import ApiClient\n"
        "    from . import parse\n"
        "    from .. import kostal\n"
        "    from ... import coordinator\n"
    )
    assert list(imports(source, HOUSE / "providers" / "enode" / "__init__.py")) == [
        "homeassistant.core",
        "yarl",
        "voluptuous.Schema",
        f"{PACKAGE}.providers.core.http.ApiClient",
        f"{PACKAGE}.providers.enode.parse",
        f"{PACKAGE}.providers.kostal",
        f"{PACKAGE}.coordinator",
    ]
    assert list(imports("from .core import http", HOUSE / "coordinator.py")) == [
        f"{PACKAGE}.core.http"
    ]


def test_literals_are_found_and_docstrings_are_not() -> None:
    source = '"""Of kostal."""\nKEY = "kostal"\nclass A:\n    x = 1\n    """kostal"""\nf(f"a{1}b")'
    assert list(literals(source)) == ["kostal", "a", "b"]


def test_missing_docstrings_are_found() -> None:
    source = 'class A:\n    """Yes."""\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...'
    assert list(undocumented(source)) == ["the module", "A.b", "d"]
