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
    """`text` with one more block at the end of a section of blocks, which may be empty; written as the last one is.

    Comments at the end of the section stay above the new block.
    """
    node = _node_at(nodes_of(text), [section])
    pairs = _pairs(node)
    if pairs and _in_braces(node):
        return with_value(text, [section, name], block)
    if not pairs:
        text = _with_nothing(text, section)
    start, old = _place(text, section), section_text(text, section)
    entry, below_key = (pairs[-1][0].start_mark.column if pairs else _indent(text)), "\n" not in old
    comment_above = not below_key and _is_comment(old.rsplit("\n", 1)[1], entry)
    if pairs and _in_braces(pairs[-1][1]):
        added = f"{' ' * entry}{in_one_line(name)}: {in_one_line(block)}"
        gap = "\n\n" if comment_above else "\n"
    else:
        added = _block_lines(name, block, entry, _indent(text))
        gap = "\n" if below_key else "\n\n"
    end = start + len(old)
    return text[:end] + gap + added + text[end:]


def without_blocks(text: str, section: str, names: Collection[str]) -> str:
    """`text` without these blocks of a section, the comments right above each, and those that are set in below it."""
    node = _node_at(nodes_of(text), [section])
    pairs = _pairs(node)
    gone = [place for place, (key, _) in enumerate(pairs) if key.value in names]
    if not gone:
        return text
    if _in_braces(node):
        left = {name: block for name, block in value_of(text)[section].items() if name not in names}
        return with_value(text, [section], left)
    old = section_text(text, section)
    lines, start = old.split("\n"), _place(text, section)
    for key, value in (pairs[place] for place in reversed(gone)):
        first, last = (text.count("\n", start, end) for end in (key.start_mark.index, _end(text, value)))
        _take_out(lines, first, last, key.start_mark.column)
    if len(gone) == len(pairs):
        colon = old.index(":", len(section))  # a section's name is a plain word, or one in quotes
        lines[0] = f"{lines[0][: colon + 1]} {{}}{lines[0][colon + 1 :]}"
    return with_section(text, section, "\n".join(lines).rstrip())


def _take_out(lines: list[str], first: int, last: int, column: int) -> None:
    """Delete the block from line `first` to line `last`, with its comments and one of the gaps around it."""
    for place in range(last + 1, len(lines)):
        if lines[place].strip() and (not _is_comment(lines[place]) or _is_comment(lines[place], column)):
            break
        last = place if lines[place].strip() else last
    while first > 1 and _is_comment(lines[first - 1], column):
        first -= 1
    above = first
    while above > 1 and not lines[above - 1].strip():
        above -= 1
    if above == first == 1:  # no blank line below the section's name
        while last + 1 < len(lines) and not lines[last + 1].strip():
            last += 1
    del lines[above : last + 1]


def _is_comment(line: str, most: int | None = None) -> bool:
    """Whether a line holds a comment alone, set in by at most so many spaces."""
    bare = line.lstrip()
    return bare.startswith("#") and (most is None or len(line) - len(bare) <= most)


def _with_nothing(text: str, section: str) -> str:
    """`text` where nothing but comments stands in a section, which may be new."""
    for key, value in _pairs(nodes_of(text)):
        if key.value == section:
            colon = text.index(":", key.end_mark.index)
            return text[: colon + 1] + text[max(colon + 1, _end(text, value)) :]
    return with_section(text, section, f"{in_one_line(section)}:")


def _place(text: str, section: str) -> int:
    return next(key.start_mark.index for key, _ in _pairs(nodes_of(text)) if key.value == section)


def _indent(text: str) -> int:
    """By how many spaces the file sets in what stands below a section: two, unless the first one shows otherwise."""
    inner = (_pairs(value) for _, value in _pairs(nodes_of(text)) if not _in_braces(value))
    return next((pairs[0][0].start_mark.column for pairs in inner if pairs), 2)


def _in_braces(node: Node | None) -> bool:
    return isinstance(node, MappingNode) and bool(node.flow_style)


def _block_lines(name: str, block: Mapping[str, Any], column: int, indent: int) -> str:
    """A block of a section, a line for each of its keys."""
    inner = " " * (column + indent)
    lines = [f"{inner}{in_one_line(key)}: {in_one_line(value)}" for key, value in block.items()]
    return "\n".join([f"{' ' * column}{in_one_line(name)}:", *lines])


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
