"""Word vectors trained on the training texts, for the encoders that start from a table of words.

gensim is imported where it is used: it takes 1 s, and only two stages ever need it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from safetensors.numpy import load, save_file
from tokenizers import Tokenizer, models

from multilabel.core.errors import UserError
from multilabel.core.files import replacing
from multilabel.core.paths import CACHE
from multilabel.core.ranges import Epochs
from multilabel.core.registry import Registry
from multilabel.core.settings import Choice, call_named, to_json
from multilabel.core.versions import versions
from multilabel.inputs.cleaning import clean
from multilabel.inputs.sealed_files import content_of, is_whole, seal
from multilabel.inputs.tokenization import SPECIAL, UNKNOWN, Tokenization, fit_tokenizer

Floats = NDArray[np.float32]
Window = Annotated[int, Ge(1), Le(100)]  # words on either side
Sentences = Sequence[Sequence[str]]
LAYOUT = "2"  # raise it when training changes, so that no old vectors are used
SHORTEST, LONGEST = 3, 6  # letters of the pieces that fastText takes a word apart into


@dataclass(frozen=True)
class Subwords:
    """Vectors (buckets, E) of pieces of words, from which any word gets one; the pieces share buckets by hash."""

    pieces: Floats

    def vectors(self, words: Sequence[str]) -> Floats:
        """(W, E): the mean over the pieces of each word, as fastText defines it; 0 for a word too short for any."""
        from gensim.models.fasttext import ft_ngram_hashes

        found = np.zeros((len(words), self.pieces.shape[1]), np.float32)
        for row, word in enumerate(words):
            buckets = ft_ngram_hashes(word, SHORTEST, LONGEST, len(self.pieces))
            if len(buckets):
                found[row] = self.pieces[buckets].mean(axis=0)
        return found


@dataclass(frozen=True)
class WordVectors:
    """Vectors (V, E) of a tokenizer's entries by id, and what words beyond them are made of, if that is known."""

    table: Floats
    subwords: Subwords | None

    def save(self, path: Path) -> None:
        """As safetensors, sealed."""
        pieces = {} if self.subwords is None else {"pieces": self.subwords.pieces}
        save_file({"table": self.table, **pieces}, path)
        seal(path)

    @classmethod
    def load(cls, path: Path) -> "WordVectors | None":
        """The inverse of `save`; None where the file is not there or not whole."""
        if not path.exists():
            return None
        if not is_whole(path):
            print(f"{path}: damaged, as a power failure may leave a file; its vectors are trained anew")
            return None
        stored = load(content_of(path))
        return cls(stored["table"], Subwords(stored["pieces"]) if "pieces" in stored else None)


def word2vec_skip_gram(
    sentences: Sentences, width: int, seed: int, *, window: Window = 5, epochs: Epochs = 10
) -> tuple[Any, None]:
    """Each word predicts its neighbours (Mikolov 2013, arXiv 1310.4546)."""
    return _word2vec(sentences, width, seed, window, epochs, skip_gram=1), None


def word2vec_cbow(
    sentences: Sentences, width: int, seed: int, *, window: Window = 5, epochs: Epochs = 10
) -> tuple[Any, None]:
    """The neighbours together predict the word (Mikolov 2013, arXiv 1301.3781)."""
    return _word2vec(sentences, width, seed, window, epochs, skip_gram=0), None


def fasttext_skip_gram(
    sentences: Sentences,
    width: int,
    seed: int,
    *,
    window: Window = 5,
    epochs: Epochs = 10,
    buckets: Annotated[int, Ge(1), Le(2_000_000)] = 50_000,
) -> tuple[Any, Subwords]:
    """Skip-gram over pieces of words, so that words never seen get a vector too (Bojanowski 2017, arXiv 1607.04606)."""
    from gensim.models import FastText

    options = {"window": window, "epochs": epochs, "min_count": 1, "workers": 1, "seed": seed, "sg": 1}
    model = FastText(sentences, vector_size=width, bucket=buckets, min_n=SHORTEST, max_n=LONGEST, **options)
    return model.wv, Subwords(np.asarray(model.wv.vectors_ngrams, np.float32))


WORD_VECTORS: Registry[Callable[..., tuple[Any, Subwords | None]]] = Registry(
    {
        "word2vec_skip_gram": word2vec_skip_gram,
        "word2vec_cbow": word2vec_cbow,
        "fasttext_skip_gram": fasttext_skip_gram,
    }
)


@dataclass(frozen=True)
class VectorSettings:
    """What the vectors of a text block depend on, the texts aside."""

    choice: Choice  # of WORD_VECTORS
    width: int
    clean: Sequence[str]
    tokenization: Tokenization
    seed: int


def cached_vectors(
    settings: VectorSettings, texts: Sequence[str], folder: Path = CACHE / "word_vectors"
) -> WordVectors:
    """Vectors trained on the training texts.

    Kept in a derived cache by all that they depend on, so that a changed learning rate or a second architecture does not
    train them again.
    """
    cleaned = clean(texts, settings.clean)
    key = json.dumps([LAYOUT, versions("gensim", "numpy"), to_json(settings), cleaned], sort_keys=True)
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
    vectors = WordVectors.load(path)
    if vectors is None:
        tokenizer = fit_tokenizer(settings.tokenization, cleaned)
        vectors = train_vectors(settings.choice, tokenizer, cleaned, settings.width, settings.seed)
        with replacing(path) as partial:
            vectors.save(partial)
    return vectors


def train_vectors(choice: Choice, tokenizer: Tokenizer, texts: Sequence[str], width: int, seed: int) -> WordVectors:
    """Vectors for every entry of a word tokenizer; `[UNK]` is the mean over the words that the vocabulary leaves out."""
    sentences = [words(tokenizer, text) for text in texts]
    if not any(sentences):
        raise UserError(
            f"word_vectors: {len(texts)} training texts have no word after `clean:`, and {choice.name} learns from words; take "
            "steps out of clean:, or word_vectors: itself"
        )
    trained, subwords = call_named(WORD_VECTORS, choice, sentences, width, seed)
    vocabulary = tokenizer.get_vocab()
    table = np.zeros((len(vocabulary), width), np.float32)
    for word, id in vocabulary.items():
        if word in trained.key_to_index:
            table[id] = trained[word]
    left_out = [trained[word] for word in trained.key_to_index if word not in vocabulary]
    if left_out:
        table[SPECIAL.index(UNKNOWN)] = np.mean(left_out, axis=0)
    return WordVectors(table, subwords)


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    """A text as the tokenizer takes it apart, before unknown words are replaced."""
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]


def unknown_words(tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """The words of some texts that the vocabulary lacks, sorted."""
    vocabulary = tokenizer.get_vocab()
    return sorted({word for text in texts for word in words(tokenizer, text)} - vocabulary.keys())


def extended(tokenizer: Tokenizer, new: Sequence[str]) -> Tokenizer:
    """A word tokenizer that also knows `new` words, with the ids that follow its own."""
    vocabulary = tokenizer.get_vocab()
    longer = Tokenizer.from_str(tokenizer.to_str())
    longer.model = models.WordLevel(
        vocabulary | {word: len(vocabulary) + number for number, word in enumerate(new)}, unk_token=UNKNOWN
    )
    return longer


def _word2vec(sentences: Sentences, width: int, seed: int, window: int, epochs: int, skip_gram: int) -> Any:
    from gensim.models import Word2Vec

    options = {"window": window, "epochs": epochs, "min_count": 1, "workers": 1, "seed": seed, "sg": skip_gram}
    return Word2Vec(sentences, vector_size=width, **options).wv
