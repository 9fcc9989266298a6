"""Text -> token ids: tokenizers fitted on the training texts, and how texts of different length share an array."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from multilabel.core.registry import Registry

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL = [PAD, UNKNOWN, START, END]  # PAD is id 0, which the encoders rely on


@dataclass(frozen=True, kw_only=True)
class TextInput:
    """Settings of a `text:` block that say what of a text is read."""

    clean: Sequence[str] = ("lower_case",)  # keys of CLEANINGS, in this order
    max_length: Annotated[int, Ge(3), Le(16_384)] = 40  # tokens; what is longer is cut


@dataclass(frozen=True, kw_only=True)
class HubTextInput(TextInput):
    """The same where the encoder brings its own tokenizer, which knows about letter case."""

    clean: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Tokenization:
    """Settings of a `text:` block that say how its tokenizer is fitted."""

    tokenizer: str = "words"
    vocabulary: Annotated[int, Ge(10), Le(1_000_000)] = 10_000  # entries at most


@dataclass(frozen=True)
class Tokens:
    """Token ids (N, T), padded with 0 on the right, and the length of each row (at least 1)."""

    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]
    unknown: int  # the id that stands for a word that is not known
    special: list[int]  # ids of marks such as [CLS], which are no words


def fit_words(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Words and punctuation marks that occur at least twice."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary, min_frequency=2, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fit_wordpiece(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """BERT's tokenizer: pieces of words, between [CLS] and [SEP]; the same texts give the same pieces."""
    texts = list(texts)
    normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True)
    # The trainer numbers the inner letters (`##a`) in the random order of a hash table, and breaks ties between pieces
    # by these numbers. Naming them beforehand fixes both; the model is then rebuilt so that they are not special in it.
    letters = sorted({letter for text in texts for letter in normalizer.normalize_str(text) if not letter.isspace()})
    inner = [f"##{letter}" for letter in letters]
    trained = _bert_tokenizer(models.WordPiece(unk_token=UNKNOWN), normalizer)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, min_frequency=2, special_tokens=SPECIAL + inner, show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    tokenizer = _bert_tokenizer(models.WordPiece(trained.get_vocab(), unk_token=UNKNOWN), normalizer)
    tokenizer.add_special_tokens(SPECIAL)
    ends = [(token, SPECIAL.index(token)) for token in (START, END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=ends)
    return tokenizer


def _bert_tokenizer(model: models.WordPiece, normalizer: normalizers.Normalizer) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    return tokenizer


TOKENIZERS: Registry[Callable[[Iterable[str], int], Tokenizer]] = Registry(
    {"words": fit_words, "wordpiece": fit_wordpiece}
)


def fit_tokenizer(settings: Tokenization, cleaned: Iterable[str]) -> Tokenizer:
    """Learned from cleaned texts."""
    return TOKENIZERS[settings.tokenizer](cleaned, settings.vocabulary)


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> Tokens:
    """Token ids of each text; a text without any token becomes one unknown token, so that no row is empty."""
    tokenizer.enable_truncation(max_length)
    unknown, special = unknown_id(tokenizer), special_ids(tokenizer)
    encoded = [encoding.ids or [unknown] for encoding in tokenizer.encode_batch(list(texts))]
    lengths = np.array([len(ids) for ids in encoded], dtype=np.int32)
    ids = np.zeros((len(encoded), int(lengths.max(initial=1))), dtype=np.int32)
    for row, tokens in enumerate(encoded):
        ids[row, : len(tokens)] = tokens
    return Tokens(ids, lengths, unknown, special)


def unknown_id(tokenizer: Tokenizer) -> int:
    """The id of the unknown token, or of the mask where a vocabulary covers everything."""
    found = (tokenizer.token_to_id(token) for token in (UNKNOWN, "<unk>", "[MASK]", "<mask>"))
    return next((id for id in found if id is not None), 0)


def special_ids(tokenizer: Tokenizer) -> list[int]:
    """The ids of padding, [CLS] and the like."""
    return sorted(id for id, token in tokenizer.get_added_tokens_decoder().items() if token.special)
