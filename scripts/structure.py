"""Prints how src/skillstream is connected: levels of imports, circles of imports, the longest modules.

python scripts/structure.py [ROOT]    # ROOT: another checkout, such as a `git worktree` of an old revision

A module's level is 0 if it imports no other module of the package, else one more than the highest level that
it imports; modules of a circle share a level. Imports inside of functions count, those for type checkers
alone do not. Three views: folders, where modules directly in the package (but its face and `__main__`) count
as one folder, `.`; rooms, where each of those is a room of its own; and single modules, with every face.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = "skillstream"
LONG = 350  # lines

Graph = Mapping[str, set[str]]


def module_files(root: Path) -> dict[str, Path]:
    """Every module by its dotted name; transforms/ and pipelines/ lie at the top of the repository."""
    folders = {PACKAGE: root / "src" / PACKAGE}
    folders |= {f"{PACKAGE}.{name}": root / name for name in ("transforms", "pipelines")}
    files = {}
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            files[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return files


def imports(path: Path, module: str, known: Mapping[str, Path]) -> set[str]:
    """Modules of the package that a module imports."""
    found = set()
    for node in _running_code(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [
                name if (name := f"{node.module}.{alias.name}") in known else node.module
                for alias in node.names
            ]
        else:
            continue
        found |= {name for name in names if name in known}
    return found - {module}


def _running_code(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _running_code(node)


def components(graph: Graph) -> list[set[str]]:
    """Strongly connected components (Tarjan's), what is imported before what imports it."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def levels(graph: Graph) -> dict[str, int]:
    """Level of every node; see the module's docstring."""
    level: dict[str, int] = {}
    for component in components(graph):
        below = [level[other] for node in component for other in graph[node] - component]
        level |= dict.fromkeys(component, max(below, default=-1) + 1)
    return level


def room_of(module: str, path: Path) -> str:
    """The folder below the package that a module lies in (`sources` has two); else its own name."""
    parts = module.split(".")[1:]
    if path.name != "__init__.py" and len(parts) <= 1:
        return module
    is_room = path.name == "__init__.py" or len(parts) > 2
    return "/".join(parts[: 2 if parts[:1] == ["sources"] and is_room else 1]) or PACKAGE


def folder_of(module: str, path: Path) -> str:
    """The same, but `.` for modules directly in the package, except for its face and its start."""
    room = room_of(module, path)
    return "." if room == module and room not in (PACKAGE, f"{PACKAGE}.__main__") else room


def grouped(graph: Graph, group: Mapping[str, str]) -> Graph:
    """The graph of groups of modules."""
    groups: dict[str, set[str]] = {}
    for module, imported in graph.items():
        groups.setdefault(group[module], set()).update(group[other] for other in imported)
    return {name: others - {name} for name, others in groups.items()}


def show(title: str, graph: Graph) -> None:
    level = levels(graph)
    circles = [sorted(component) for component in components(graph) if len(component) > 1]
    print(f"\n{title}: {len(graph)} on {max(level.values()) + 1} levels, {len(circles)} circles")
    for circle in circles:
        print(f"  circle of {len(circle)}: {', '.join(circle)}")
    for number in range(max(level.values()) + 1):
        names = sorted(name.removeprefix(f"{PACKAGE}.") for name, at in level.items() if at == number)
        print(f"  {number:2} {' '.join(names)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    root = parser.parse_args().root
    files = module_files(root)
    graph = {module: imports(path, module, files) for module, path in files.items()}
    lengths = {module: path.read_text("utf-8").count("\n") for module, path in files.items()}
    flat = [module for module, path in files.items() if module.count(".") == 1 and path.name != "__init__.py"]
    print(f"{len(files)} modules, {sum(lengths.values())} lines, {len(flat)} modules directly in {PACKAGE}/")
    show("folders", grouped(graph, {module: folder_of(module, path) for module, path in files.items()}))
    show("rooms", grouped(graph, {module: room_of(module, path) for module, path in files.items()}))
    show("modules", graph)
    long = sorted(((n, module) for module, n in lengths.items() if n > LONG), reverse=True)
    print(f"\nmodules over {LONG} lines: {len(long)}")
    for lines, module in long:
        print(f"  {lines} {module}")


if __name__ == "__main__":
    main()
