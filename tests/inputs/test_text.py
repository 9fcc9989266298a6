"""Cleaning, tokenizers and word vectors."""

from pathlib import Path

import numpy as np
import pytest
from conftest import minilm_folder

from multilabel.core.errors import UserError
from multilabel.core.settings import Choice, call_named
from multilabel.inputs.cleaning import CLEANINGS, clean, emptied
from multilabel.inputs.tokenization import TOKENIZERS, Tokenization, special_ids, tokenize, unknown_id
from multilabel.inputs.word_vectors import (
    WORD_VECTORS,
    Subwords,
    VectorSettings,
    WordVectors,
    cached_vectors,
    extended,
    train_vectors,
    unknown_words,
    words,
)
from multilabel.models.hub_encoder import hub_tokenizer

TEXTS = ["a black cat sat down .", "the cat , the dog", "sat the black dog", "dogs and cats bark at ships"] * 8


@pytest.mark.parametrize(
    ("steps", "text", "expected"),
    [
        (["lower_case"], "A Red BUS", "a red bus"),
        (["punctuation"], 'red-and-white "bus"_stop.', "red and white  bus  stop "),
        (["punctuation"], "हिन्दी में किताब, अच्छी!", "हिन्दी में किताब  अच्छी "),
        (["punctuation"], "ภาษาไทยดีที่สุด", "ภาษาไทยดีที่สุด"),
        (["punctuation"], "Gro\u0308\u00dfe -\u0308- Ka\u0308se", "Gro\u0308\u00dfe     Ka\u0308se"),
        (["punctuation"], "love \u2764\ufe0f you_\u0301", "love    you  "),
        (["stop_words"], "The cat is on a mat", " cat    mat"),
        (["lemmas"], "two dogs were running", "two dog be run"),
        (["lower_case", "punctuation", "stop_words", "lemmas"], "The Dogs, running!", " dog  run "),
        (["last_line"], "A Title\nAn Author\nTwo dogs run.", "Two dogs run."),
        ([], "The Dogs", "The Dogs"),
    ],
)
def test_cleaning_steps(steps: list[str], text: str, expected: str) -> None:
    assert [word for word in clean([text], steps)[0].split()] == expected.split()


def test_every_cleaning_step_leaves_what_it_has_cleaned() -> None:
    for step in CLEANINGS:
        once = clean(TEXTS, [step])
        assert clean(once, [step]) == once


def test_texts_emptied_by_cleaning_are_counted() -> None:
    assert emptied(["this is it", "a cat", "", "!!"], ["stop_words"]) == 1
    assert emptied(["this is it"], []) == 0


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizers_are_reproducible_cut_and_never_give_an_empty_row(name: str) -> None:
    first, second = (TOKENIZERS[name](TEXTS, 60) for _ in range(2))
    assert first.to_str() == second.to_str()
    tokens = tokenize(first, ["the cat sat the dog the cat", "", "!", "☃☃"], max_length=5)
    assert tokens.ids.shape == (4, 5)
    assert tokens.lengths[0] == 5
    assert (tokens.lengths >= 1).all()
    assert all((row[:n] > 0).all() and (row[n:] == 0).all() for row, n in zip(tokens.ids, tokens.lengths, strict=True))
    assert first.id_to_token(tokens.unknown) == "[UNK]"
    assert tokens.special == [0, 1, 2, 3]


def test_a_published_tokenizer_is_the_published_one() -> None:
    from transformers import AutoTokenizer

    tokenizer = hub_tokenizer(minilm_folder())
    texts = ["A man rides two Horses.", "snow-covered hill"]
    tokens = tokenize(tokenizer, texts, max_length=16)
    published = AutoTokenizer.from_pretrained(minilm_folder())(texts)["input_ids"]
    assert [ids[:n].tolist() for ids, n in zip(tokens.ids, tokens.lengths, strict=True)] == published
    assert tokenizer.id_to_token(unknown_id(tokenizer)) == "[UNK]"
    assert {tokenizer.id_to_token(id) for id in special_ids(tokenizer)} == {
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
    }


@pytest.mark.parametrize("name", WORD_VECTORS)
def test_texts_without_a_word_are_one_line(name: str) -> None:
    with pytest.raises(UserError) as error:
        train_vectors(Choice(name), TOKENIZERS["words"](TEXTS, 12), ["", " "], 6, seed=1)
    assert str(error.value) == (
        f"word_vectors: 2 training texts have no word after `clean:`, and {name} learns from words; take steps out of clean:, or "
        "word_vectors: itself"
    )


@pytest.mark.parametrize("name", WORD_VECTORS)
def test_word_vectors_are_reproducible_and_cover_the_vocabulary(name: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS["words"](TEXTS[:-1], 12)  # too small for all words
    first, second = (train_vectors(Choice(name, {"epochs": 2}), tokenizer, TEXTS, 6, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.table, second.table)
    assert first.table.shape == (tokenizer.get_vocab_size(), 6)
    filled = {tokenizer.id_to_token(int(id)) for id in np.flatnonzero(np.abs(first.table).sum(axis=1))}
    assert filled == set(tokenizer.get_vocab()) - {"[PAD]", "[CLS]", "[SEP]"}  # [UNK] stands for what is left out
    first.save(tmp_path / "vectors")
    again = WordVectors.load(tmp_path / "vectors")
    assert again is not None
    np.testing.assert_array_equal(again.table, first.table)
    assert (again.subwords is None) == (first.subwords is None)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied"])
def test_damaged_vectors_are_trained_anew_and_said(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenization = Tokenization(tokenizer="words", vocabulary=12)
    settings = VectorSettings(Choice("word2vec_cbow", {"epochs": 2}), 6, [], tokenization, 1)
    first = cached_vectors(settings, TEXTS, tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-100:-60] = bytes(40)
    path.write_bytes({"cut": content[:-50], "overwritten": content, "emptied": b""}[damage])
    np.testing.assert_array_equal(cached_vectors(settings, TEXTS, tmp_path).table, first.table)
    assert "damaged, as a power failure may leave a file; its vectors are trained anew" in capsys.readouterr().out
    cached_vectors(settings, TEXTS, tmp_path)
    assert capsys.readouterr().out == ""


def test_a_word_never_seen_gets_the_vector_that_fasttext_gives_it() -> None:
    sentences = [text.split() for text in TEXTS]
    trained, subwords = call_named(WORD_VECTORS, Choice("fasttext_skip_gram", {"buckets": 500}), sentences, 6, 1)
    assert isinstance(subwords, Subwords)
    new = ["catss", "blackdog", "ünïcode"]
    np.testing.assert_allclose(subwords.vectors(new), [trained.get_vector(word) for word in new], rtol=1e-5)


def test_a_tokenizer_learns_new_words() -> None:
    tokenizer = TOKENIZERS["words"](TEXTS, 100)
    new = unknown_words(tokenizer, ["a zebra sat", "Zebra, yak!"])
    assert new == ["!", "Zebra", "yak", "zebra"]
    longer = extended(tokenizer, new)
    assert words(longer, "a zebra, sat") == ["a", "zebra", ",", "sat"]
    ids = longer.encode("a zebra sat").ids
    assert ids[1] == tokenizer.get_vocab_size() + 3
    assert [ids[0], ids[2]] == [tokenizer.token_to_id("a"), tokenizer.token_to_id("sat")]
    assert tokenizer.encode("zebra").ids == [1]  # the original is as it was
