"""What a column of a table holds, by its name and its first values: ids, labels, texts or flags."""

import re
from dataclasses import dataclass

from multilabel.data.label_cells import MISSING

ID_NAMES = {"id", "sku", "uid", "uuid", "imageid", "isbn", "artikelnr"}
NUMBER_NAMES = {"key", "code", "number"}  # of a row, or of something else: zip_code
TEXT_NAMES = {"text", "caption", "description", "body", "content", "review", "summary", "comment", "abstract", "message",
              "question", "sentence", "tweet", "overview", "plot", "synopsis", "transcript", "lyrics"}  # fmt: skip
TITLE_NAMES = {"title", "headline", "subject"}  # of texts beside which there may be a longer one
LABEL_NAMES = {"labels", "label", "tags", "tag", "categories", "category", "genres", "classes", "class", "targets",
               "keywords", "attributes"}  # fmt: skip
FLAGS = {"0", "1", "0.0", "1.0", "True", "False", "true", "false"}  # of a label that has a column of its own
NEARLY_ALL = 0.95  # of the rows have an id of their own; ingest leaves out those that repeat one
SHORT = 4  # characters: a column of shorter words is no text
DIFFERING = 0.5  # of the values, in a column of words that is a text
# Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese, which write no spaces between words.
UNSPACED = re.compile(r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
OF_A_WORD = 2  # of these characters, about


@dataclass(frozen=True)
class Column:
    """What the first rows of a column hold."""

    name: str  # empty where the header has none, as above the index that pandas writes
    values: list[str]

    @property
    def given(self) -> list[str]:
        """Those that are none of the ways to write that there is none."""
        return [value for value in self.values if value not in MISSING]

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(set(self.given))

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.distinct == len(self.values) > 1

    @property
    def tells_rows_apart(self) -> bool:
        """Whether it is called like an id, and has another value in nearly every row."""
        return self.called(ID_NAMES) and self.distinct >= NEARLY_ALL * len(self.values)

    @property
    def words(self) -> float:
        """In the mean; estimated where no spaces are written between them."""
        return sum(map(_words, self.given)) / max(1, len(self.given))

    @property
    def characters(self) -> float:
        """In the mean."""
        return sum(map(len, self.given)) / max(1, len(self.given))

    @property
    def has_letters(self) -> bool:
        """Whether most values do: they are no numbers."""
        return sum(any(map(str.isalpha, value)) for value in self.given) > len(self.given) / 2

    @property
    def differing_words(self) -> bool:
        """Whether most values are a word, no code, that seldom comes back."""
        words = sum(map(str.isalpha, self.given)) > len(self.given) / 2
        return words and self.distinct > DIFFERING * len(self.given) and self.characters >= SHORT

    def called(self, names: set[str]) -> bool:
        """Whether its name is one of these, or ends in one: `product_id`."""
        own = self.name.casefold().replace(" ", "_")
        return own in names or own.rpartition("_")[2] in names

    @property
    def called_text(self) -> bool:
        """Whether its name says that it holds texts."""
        return self.called(TEXT_NAMES | TITLE_NAMES)


def _words(value: str) -> float:
    return max(len(value.split()), len(UNSPACED.findall(value)) / OF_A_WORD)
