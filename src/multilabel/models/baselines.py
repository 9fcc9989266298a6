"""Models without a network, which every deep model must beat: fit, predict, save, load without pickle."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
from annotated_types import Ge, Le, Len
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from multilabel.core.errors import UserError
from multilabel.core.files import read_json, write_json
from multilabel.core.ranges import Count, Positive
from multilabel.core.registry import Registry
from multilabel.core.yaml_files import read_yaml
from multilabel.data.labels import Labels

KEYWORDS = Path(__file__).with_name("keywords.yaml")
WEIGHTS = "weights.safetensors"
VOCABULARY = "vocabulary.json"


class Baseline(Protocol):
    """What all baselines can do."""

    reads: ClassVar[Literal["text", "nothing"]]

    def fit(self, texts: Sequence[str], targets: NDArray[np.uint8], labels: Labels) -> None:
        """Learn from training texts (N) and targets (N, L)."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, L)."""

    def parameters(self) -> int:
        """How many numbers were learned."""

    def save(self, folder: Path) -> None:
        """Write what `load` needs into `folder`."""

    def load(self, folder: Path) -> None:
        """The inverse of `save`, in place of `fit`."""


class Constant:
    """Every label is as probable as it was frequent in training, whatever a record holds: always the same label set."""

    reads: ClassVar[Literal["text", "nothing"]] = "nothing"

    def __init__(self) -> None:
        """Has no settings."""
        self.frequency = np.zeros(0, np.float32)

    def fit(self, texts: Sequence[str], targets: NDArray[np.uint8], labels: Labels) -> None:
        """Only counts labels."""
        self.frequency = targets.mean(axis=0, dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same row for every text."""
        return np.tile(self.frequency, (len(texts), 1))

    def parameters(self) -> int:
        """One frequency per label."""
        return len(self.frequency)

    def save(self, folder: Path) -> None:
        """As a tensor."""
        save_file({"frequency": self.frequency}, folder / WEIGHTS)

    def load(self, folder: Path) -> None:
        """The inverse."""
        self.frequency = load_file(folder / WEIGHTS)["frequency"]


class KeywordRule:
    """A label is there if one of its words is; where no word is found, labels rank by their frequency in training."""

    reads: ClassVar[Literal["text", "nothing"]] = "text"

    def __init__(self) -> None:
        """Has no settings; the words of labels without an entry in keywords.yaml are their names."""
        self.frequency = np.zeros(0, np.float32)
        self.patterns: list[str] = []

    def fit(self, texts: Sequence[str], targets: NDArray[np.uint8], labels: Labels) -> None:
        """Only counts labels."""
        words = read_yaml(KEYWORDS)
        self.patterns = [_pattern(words.get(name, [name])) for name in labels.names]
        self.frequency = targets.mean(axis=0, dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """1 where a word is found, else less than a half of the label's frequency."""
        patterns = [re.compile(pattern, re.IGNORECASE) for pattern in self.patterns]
        found = np.array([[bool(p.search(text)) for p in patterns] for text in texts], np.float32)
        return np.maximum(found.reshape(len(texts), len(patterns)), 0.49 * self.frequency)

    def parameters(self) -> int:
        """One frequency per label."""
        return len(self.frequency)

    def save(self, folder: Path) -> None:
        """Patterns as JSON, frequencies as tensors."""
        save_file({"frequency": self.frequency}, folder / WEIGHTS)
        write_json(folder / VOCABULARY, self.patterns)

    def load(self, folder: Path) -> None:
        """The inverse."""
        self.frequency = load_file(folder / WEIGHTS)["frequency"]
        self.patterns = read_json(folder / VOCABULARY)


class TfidfLogreg:
    """Weighted counts of words and word pairs, or of runs of characters, and one logistic regression per label."""

    reads: ClassVar[Literal["text", "nothing"]] = "text"

    def __init__(
        self,
        *,
        analyzer: Literal["word", "char_wb"] = "word",
        ngram_range: Annotated[Sequence[Annotated[int, Ge(1), Le(10)]], Len(2, 2)] = (1, 2),
        min_df: Count = 2,
        C: Positive = 10.0,
    ) -> None:
        """The options of scikit-learn's TfidfVectorizer and LogisticRegression by these names."""
        if ngram_range[0] > ngram_range[1]:
            raise UserError(
                f"tfidf_logreg.ngram_range: from {ngram_range[0]} to {ngram_range[1]} is no range; swap them"
            )
        self.vectorizer = TfidfVectorizer(
            analyzer=analyzer, ngram_range=(ngram_range[0], ngram_range[1]), min_df=min_df, sublinear_tf=True
        )
        self.C = C
        self.weights, self.bias = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)

    def fit(self, texts: Sequence[str], targets: NDArray[np.uint8], labels: Labels) -> None:
        """A label that all training texts or none have gets a constant."""
        try:
            features = self.vectorizer.fit_transform(texts)
        except ValueError:  # of all that scikit-learn refuses, what options alone cannot show
            raise UserError(
                f"tfidf_logreg: no phrase stands in min_df: {self.vectorizer.min_df} of the {len(texts)} training texts; "
                f"lower it, or take a network or `baseline: constant`"
            ) from None
        self.vectorizer.idf_ = self.vectorizer.idf_.astype(np.float32)  # as it will be stored
        self.weights = np.zeros((targets.shape[1], features.shape[1]), np.float32)
        self.bias = np.zeros(targets.shape[1], np.float32)
        for label, target in enumerate(targets.T):
            if target.min() == target.max():
                self.bias[label] = 10.0 if target[0] else -10.0
                continue
            regression = LogisticRegression(C=self.C, solver="liblinear", random_state=0)
            regression.fit(features, target)
            self.weights[label], self.bias[label] = regression.coef_[0], regression.intercept_[0]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The sigmoid of the regressions' scores."""
        logits = self.vectorizer.transform(texts) @ self.weights.T + self.bias
        return (1 / (1 + np.exp(-logits))).astype(np.float32)

    def parameters(self) -> int:
        """One weight per label and phrase, one bias per label."""
        return self.weights.size + self.bias.size

    def save(self, folder: Path) -> None:
        """Phrases as JSON in the order of the columns, the numbers as tensors."""
        save_file({"weights": self.weights, "bias": self.bias, "idf": self.vectorizer.idf_}, folder / WEIGHTS)
        write_json(folder / VOCABULARY, self.vectorizer.get_feature_names_out().tolist())

    def load(self, folder: Path) -> None:
        """The inverse."""
        tensors = load_file(folder / WEIGHTS)
        self.weights, self.bias = tensors["weights"], tensors["bias"]
        self.vectorizer.vocabulary_ = {phrase: i for i, phrase in enumerate(read_json(folder / VOCABULARY))}
        self.vectorizer.idf_ = tensors["idf"]


BASELINES: Registry[type[Baseline]] = Registry(
    {"constant": Constant, "keyword_rule": KeywordRule, "tfidf_logreg": TfidfLogreg}
)


def _pattern(words: Sequence[str]) -> str:
    """Whole words, in the plural too; `\b` would ask for a letter at the end of C++."""
    return r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + r")(?:s|es)?(?!\w)"
