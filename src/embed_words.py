"""Train the word vectors that networks start from, each on the training texts of its dataset.

One stage for all, since DVC cannot leave out those of a `foreach` that need none: they get an empty file.
"""

from functools import partial

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder
from multilabel.core.paths import RESOLVED, WORD_VECTORS, vectors_file
from multilabel.data.dataset import load_split
from multilabel.inputs.word_vectors import WordVectors, requested_vectors


def embed_words() -> None:
    """Write data/word_vectors/<name>.safetensors for every architecture and ablation."""
    with replacing_folder(WORD_VECTORS) as folder:
        for path in sorted(RESOLVED.glob("*.json")):
            settings = read_json(path)
            vectors = requested_vectors(settings, partial(_training_texts, settings["dataset"]))
            (vectors or WordVectors.none()).save(folder / vectors_file(path.stem).name)
            if vectors:
                print(f"{path.stem}: {vectors.table.shape[0]} words, {vectors.table.shape[1]} dimensions")


def _training_texts(dataset: str) -> list[str]:
    return load_split(dataset, "train").inputs.texts


if __name__ == "__main__":
    run_stage(embed_words)
