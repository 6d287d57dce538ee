"""The house: rooms import only from rooms below them, and there are no import cycles."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

FLOORS = [
    {"language"},
    {"prompts", "state"},
    {"errors"},
    {"settings"},
    {"tools", "kb", "store"},
    {"learning", "models"},
    {"context"},
    {"actions"},
    {"agents"},
    {"graphs"},
    {"tasks"},
    {"work"},
    {"synthesis", "tuning"},
    {"service"},
    {"cli"},
]
"""The floors from the ground up. A room may import from any floor below its own, and from
itself."""
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix("__init__").rstrip("."): path
    for path in SRC.rglob("*.py")
}
"""All modules by dotted name below the package; the package itself has the empty name."""


def imports_of(module: str) -> Iterator[str]:
    """Yield the modules of this package that a module imports, anywhere in its source."""
    path = MODULES[module]
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            room = here[: len(here) - node.level + 1]
            target = ".".join([*room, *(node.module or "").split(".")]).strip(".")
            for name in node.names:
                deeper = f"{target}.{name.name}".strip(".")
                yield deeper if deeper in MODULES else target
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else node.names
            for absolute in (name if isinstance(name, str) else name.name for name in names):
                assert absolute.split(".")[0] != "concertino", f"{module}: import it relatively"


IMPORTS = {module: set(imports_of(module)) - {module} for module in MODULES}


def room_of(module: str) -> str:
    return module.split(".")[0]


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} - {""} <= set(FLOOR_OF)


@pytest.mark.parametrize("room", sorted({room_of(module) for module in MODULES} - {""}))
def test_a_room_imports_only_from_the_floors_below(room: str) -> None:
    upwards = [
        f"{module} -> {target}"
        for module in MODULES
        if room_of(module) == room
        for target in IMPORTS[module]
        if room_of(target) not in ("", room) and FLOOR_OF[room_of(target)] >= FLOOR_OF[room]
    ]
    assert not upwards


def test_no_module_imports_in_a_circle() -> None:
    # The package itself loads its public names on first use, and everything may ask its version.
    graph = {module: targets - {""} for module, targets in IMPORTS.items() if module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
