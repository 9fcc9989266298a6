"""Fit one architecture; its epoch and its decoding are chosen on valid. Runs under `accelerate launch` as well."""

from multilabel.core.errors import run_stage
from multilabel.core.files import read_json, replacing_folder
from multilabel.core.paths import METRICS, MODELS, RESOLVED, vectors_file
from multilabel.inputs.word_vectors import WordVectors
from multilabel.models.devices import is_main_process
from multilabel.models.exposure import coco_exposed
from multilabel.training.fitting import train_model
from multilabel.training.resumption import end_with_parent


def train(architecture: str) -> None:
    """Write models/<architecture>/ and the curves metrics/train/<architecture>/."""
    end_with_parent()
    settings = read_json(RESOLVED / f"{architecture}.json")
    vectors = WordVectors.load(vectors_file(architecture))

    model, states = train_model(settings, METRICS / "train" / architecture, vectors)

    if is_main_process():
        with replacing_folder(MODELS / architecture) as folder:
            model.save(folder)
        for state in states:
            state.discard()
        valid = model.training["valid"]["f1_samples"]
        print(f"{architecture}: f1_samples {valid:.4f} on valid after epoch {model.training['best_epoch']}, "
              f"coco_exposed: {coco_exposed(settings)}")  # fmt: skip


if __name__ == "__main__":
    run_stage(train, "architecture")
