"""YAML files as this project reads them: every number is a number, no key stands twice, and nothing explodes."""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from multilabel.core.errors import UserError

LARGEST = 100_000  # values in a file, where aliases (`*name`) count as what they stand for
TIMESTAMP = "tag:yaml.org,2002:timestamp"  # `2020-01-01` is a name here, as in YAML 1.2


class _Loader(yaml.SafeLoader):
    """PyYAML reads `1e-05`, which is what `dvc exp run -S train.lr=1e-5` writes, as a string; YAML 1.2 does not."""

    def get_single_node(self) -> Node | None:
        """The document, looked through before anything is made of it."""
        node: Node | None = super().get_single_node()
        if node is not None:
            _look_through(node, {})
        return node

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        """What the node stands for; a number that Python refuses is a mistake in that line."""
        try:
            value = super().construct_object(node, deep)
            str(value if isinstance(value, int) else "")  # of a number that long, Python makes no text
        except (ValueError, OverflowError):
            raise ConstructorError(None, None, "a value that cannot be read", node.start_mark) from None
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"),
    list("-+0123456789."),
)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; raises `UserError` for one that cannot be read, with the line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (derived from SafeLoader)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); run in the folder of the project") from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path} line {number}: not UTF-8; save the file in that encoding") from None
    except yaml.reader.ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path} line {number}: {error.reason}; take the character out") from None
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: {error.problem or error.context}; mend the YAML there") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply; mend the YAML there") from None


def value_of(text: str) -> Any:
    """What YAML stands for, as `read_yaml` takes it; raises `yaml.YAMLError`."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (derived from SafeLoader)


def nodes_of(text: str) -> Node | None:
    """The same with the place of everything in `text`."""
    return yaml.compose(text, Loader=_Loader)


def _look_through(node: Node, sizes: dict[int, int]) -> int:
    """The number of values at and below `node`; raises `ConstructorError` for a key that stands twice, a bomb, a circle."""
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise ConstructorError(None, None, "an alias stands for something that holds it", node.start_mark)
        return sizes[id(node)]
    sizes[id(node)] = 0  # not known yet
    below: list[Node] = []
    if isinstance(node, SequenceNode):
        below = node.value
    elif isinstance(node, MappingNode):
        _refuse_twice([key for key, _ in node.value])
        below = [part for pair in node.value for part in pair]
    size = 1 + sum(_look_through(part, sizes) for part in below)
    if size > LARGEST:
        raise ConstructorError(None, None, f"more than {LARGEST:,} values", node.start_mark)
    sizes[id(node)] = size
    return size


def _refuse_twice(keys: list[Node]) -> None:
    seen: set[tuple[str, str]] = set()
    for key in keys:
        if isinstance(key, ScalarNode):
            if (key.tag, key.value) in seen:
                problem = f"{key.value!r} stands there twice, of which only one would count"
                raise ConstructorError(None, None, problem, key.start_mark)
            seen.add((key.tag, key.value))
