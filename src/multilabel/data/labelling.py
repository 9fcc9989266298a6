"""How the cells of a column would be read as labels: what separates them, and whether they come back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from multilabel.data.label_cells import MISSING, like_a_list, parse_list

SEPARATORS = ("|", ";", ",", "/")  # between labels; where none of them occurs it may be a space
NEVER = "|"  # a separator for cells that are one label each
SELDOM = 0.02  # of cells: a mark that splits fewer may well be part of a label
NEARLY = 0.1  # of the score of spaces, that a mark reaches which separates the labels around them
MANY = 0.5  # labels for each cell that has some; where there are more, hardly one occurs twice


@dataclass(frozen=True)
class Labelling:
    """How a column would be read as labels."""

    separator: str
    lists: bool  # cells are lists of Python or JSON
    counts: Counter[str]
    cells: int  # that hold labels
    split: int  # those that the separator splits
    comes_back: bool  # whether most labels of those stand in other cells, too

    @property
    def plausible(self) -> bool:
        """Labels come back: there are far fewer of them than cells."""
        return len(self.counts) > 1 and len(self.counts) < MANY * self.cells

    @property
    def of_names(self) -> bool:
        """Whether cells are lists of names, or split into some: no words of a text, no parts of a path, number or date."""
        apart = self.lists or (self.separator not in (" ", "/") and self.split > 0)
        letters = sum(count for label, count in self.counts.items() if any(map(str.isalpha, label)))
        return apart and letters > self.counts.total() / 2

    @property
    def share(self) -> float:
        """Of cells, those that it splits."""
        return self.split / max(1, self.cells)

    @property
    def score(self) -> float:
        """Large where many cells are split and each label comes back often."""
        return self.share * self.counts.total() / max(1, len(self.counts))

    @property
    def common(self) -> int:
        """How many labels occur more than once."""
        return sum(count > 1 for count in self.counts.values())

    @property
    def fits(self) -> float:
        """Large where labels come back often and a cell has several: one category for each row is rather a property."""
        return self.counts.total() / max(1, len(self.counts)) * self.counts.total() / max(1, self.cells)


def labelling_of(cells: Sequence[str]) -> Labelling:
    """As the marks say that most often stand between labels which come back; as lists, where most cells are such."""
    lists = [cell for cell in cells if like_a_list(cell)]
    if len(lists) > len(cells) / 2:
        return _counted(" ", True, [parse_list(cell) or [] for cell in lists])
    marks = [_counted(mark, False, [cell.split(mark) for cell in cells]) for mark in SEPARATORS]
    mark = max(marks, key=lambda labelling: labelling.score)
    whole = _counted(NEVER, False, [[cell] for cell in cells])
    words = _counted(" ", False, [cell.split() for cell in cells])
    other = words if _fewer(words, whole) else whole
    return mark if _separates(mark, other) else other


def _fewer(words: Labelling, whole: Labelling) -> bool:
    """Whether words are no more than the cells that they make up, or at least those that occur more than once."""
    common = 0 < words.common <= whole.common
    return words.split > 0 and (common or len(words.counts) <= len(whole.counts))


def _separates(mark: Labelling, other: Labelling) -> bool:
    """Whether a mark stands between labels, and not within a few of them (`tcp/ip`) that are read otherwise."""
    often = mark.share >= SELDOM
    if other.split:
        return mark.score >= other.score * NEARLY or (often and mark.comes_back)
    return often or mark.comes_back


def _counted(separator: str, lists: bool, cells: Sequence[Sequence[str]]) -> Labelling:
    read = [[label.strip() for label in cell if label.strip() not in MISSING] for cell in cells]
    counts = Counter(label for cell in read for label in cell)
    several = [own for own, cell in zip(read, cells, strict=True) if len(cell) > 1]
    cells_of = Counter(label for cell in set(map(frozenset, read)) for label in cell)  # how many different ones hold it
    parts = [cells_of[label] > 1 for cell in several for label in cell]
    return Labelling(separator, lists, counts, len(cells), len(several), 2 * sum(parts) > len(parts))
