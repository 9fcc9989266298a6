"""Changing values in the text of a YAML file: comments, order and whatever else is not touched stay as they are.

The texts are those of files that `read_yaml` has accepted and whose top is a block of sections. Anchors, and a top level in
braces, are not followed: compare `value_of` the result with what was meant.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from multilabel.core.yaml_files import nodes_of, value_of

PLAIN = re.compile(r"[A-Za-z_/.][\w./-]*", re.ASCII)  # needs no quotes in braces, unless it is `off` or the like


def read_text(path: Path) -> str:
    """The text of a YAML file, its lines ended by line feeds."""
    return path.read_text(encoding="utf-8-sig")


def section_text(text: str, name: str) -> str:
    """The lines of a section, from its key to its last value; "" where there is none."""
    keys = [(key.value, key.start_mark.index) for key, _ in _pairs(nodes_of(text))]
    ends = [start for _, start in keys[1:]] + [len(text)]
    for (key, start), end in zip(keys, ends, strict=True):
        if key == name:
            lines = text[start:end].split("\n")
            while not lines[-1].strip() or lines[-1].startswith("#"):  # what stands above the next section
                lines.pop()
            return "\n".join(lines)
    return ""


def with_section(text: str, name: str, section: str) -> str:
    """`text` where `section` stands in place of the section `name`, or below all others."""
    old = section_text(text, name)
    if not old:
        return f"{text.rstrip()}\n\n{section}\n"
    start = next(key.start_mark.index for key, _ in _pairs(nodes_of(text)) if key.value == name)
    return text[:start] + section + text[start + len(old) :]


def with_value(text: str, path: Sequence[str], value: Any) -> str:
    """`text` where `value` stands at `path`; blocks that are missing on the way are added."""
    *way, last = path
    block = _node_at(nodes_of(text), way)
    pairs = _pairs(block)
    for key, old in pairs:
        if key.value == last:
            colon = text.find(":", key.end_mark.index)
            return f"{text[: colon + 1]} {in_one_line(value)}{text[_end(text, old) :]}"
    entry = f"{in_one_line(last)}: {in_one_line(value)}"
    if not pairs:
        return with_value(text, way, {last: value}) if way else f"{text}{entry}\n"
    end = _end(text, pairs[-1][1])
    if isinstance(block, MappingNode) and block.flow_style:
        return f"{text[:end]}, {entry}{text[end:]}"
    end = end if (line_end := text.find("\n", end)) < 0 else line_end
    return f"{text[:end]}\n{' ' * pairs[0][0].start_mark.column}{entry}{text[end:]}"


def with_block(text: str, section: str, name: str, block: Mapping[str, Any]) -> str:
    """`text` with one more block at the end of a section of blocks, which may be empty; written as the last one is."""
    node = _node_at(nodes_of(text), [section])
    pairs = _pairs(node)
    if not pairs:
        start = section_text(text, section) or f"{section}:"
        head = re.sub(r":\s*(?:\{\s*\}|null|~)?", ":", start.split("\n")[0], count=1)
        return with_section(text, section, f"{head}\n{_block_lines(name, block)}")
    if isinstance(node, MappingNode) and node.flow_style:
        return with_value(text, [section, name], block)
    last = pairs[-1][1]
    one_line = isinstance(last, MappingNode) and bool(last.flow_style)
    line_end = text.find("\n", _end(text, last))
    end = len(text) if line_end < 0 else line_end
    added = f"\n  {in_one_line(name)}: {in_one_line(block)}" if one_line else f"\n\n{_block_lines(name, block)}"
    return text[:end] + added + text[end:]


def without_blocks(text: str, section: str, names: Collection[str]) -> str:
    """`text` without these blocks of a section, and without what stands between each and the one before it."""
    node = _node_at(nodes_of(text), [section])
    pairs = _pairs(node)
    if isinstance(node, MappingNode) and node.flow_style:
        left = {name: block for name, block in value_of(text)[section].items() if name not in names}
        return with_value(text, [section], left)
    if pairs and all(key.value in names for key, _ in pairs):
        head, *_ = section_text(text, section).split("\n")
        return with_section(text, section, head.replace(":", ": {}", 1))
    for place in reversed(range(len(pairs))):
        key, value = pairs[place]
        if key.value in names:
            end = text.find("\n", _end(text, value))
            above = _end(text, pairs[place - 1][1]) if place else text.rfind("\n", 0, key.start_mark.index)
            end += text.startswith("\n\n", end) and not place  # no blank line below the section's name
            text = text[: text.find("\n", above)] + text[end:]
    return text


def _block_lines(name: str, block: Mapping[str, Any]) -> str:
    """A block of a section, a line for each of its keys."""
    lines = [f"    {in_one_line(key)}: {in_one_line(value)}" for key, value in block.items()]
    return "\n".join([f"  {in_one_line(name)}:", *lines])


def in_one_line(value: Any) -> str:
    """A value as YAML that may stand anywhere: JSON, but for the quotes of plain words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{in_one_line(key)}: {in_one_line(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_one_line, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and value_of(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _node_at(node: Node | None, way: Sequence[str]) -> Node | None:
    for name in way:
        node = next((value for key, value in _pairs(node) if key.value == name), None)
    return node


def _pairs(node: Node | None) -> list[tuple[ScalarNode, Node]]:
    return [pair for pair in node.value if isinstance(pair[0], ScalarNode)] if isinstance(node, MappingNode) else []


def _end(text: str, node: Node) -> int:
    """Where a value ends: a block is said to end only where something else begins."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip())
