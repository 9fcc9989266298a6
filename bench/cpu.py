"""`python -m bench.cpu`: training, prediction and the cache of images on a CPU, as ratios taken in turn."""

import argparse
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # a GPU has a measurement of its own

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer

from bench.contenders import Bare, Everybody, Files, HubTrainer, usual_transforms
from bench.generated import LABELS, Generated, generate
from bench.machine import RESULTS
from bench.plots import ratios
from bench.races import precision_of, predict_in_turn, train_in_turn
from bench.rounds import in_words, interleaved, rate, summary
from bench.session import Add, Say, Session
from multilabel.data.archives import open_source
from multilabel.data.readers import Competition
from multilabel.data.records import Findings, Record, write_records
from multilabel.inputs.cleaning import clean
from multilabel.inputs.examples import Batch, Examples
from multilabel.inputs.image_cache import pixel_array
from multilabel.inputs.tokenization import fit_tokenizer, tokenize
from multilabel.models.devices import accelerator
from multilabel.models.network import Network, build
from multilabel.models.prediction import ImagePreparation, prediction_batch
from multilabel.training.architectures import resolve
from multilabel.training.settings import NetworkArchitecture

SEED = 42
CPU = torch.device("cpu")
MODALITIES = ("image", "text", "fusion")
TEXT = {"encoder": "gru", "bidirectional": True, "pooling": "attention"}


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    records: int  # a multiple of the batch size, so that all batches are alike
    held_out: int
    batch_size: int
    file_size: int  # pixels a side of the images as files
    rounds: int
    encoder: str
    size: int  # pixels a side that it reads


SCALES = {
    "": Scale(1_280, 64, 64, 256, 7, "timm/resnet18", 64),
    "--tiny": Scale(32, 8, 16, 64, 1, "timm/resnet10t", 32),
}


@dataclass(frozen=True)
class Data:
    """The same records as our loop reads them and as people keep them."""

    generated: Generated
    paths: list[Path]
    records: Path  # Parquet, as the stage `ingest` writes it
    size: int  # pixels a side that networks read
    tokenizer: Tokenizer

    def examples(self, modality: str, first: int, last: int) -> Examples:
        """For a network of that modality."""
        pixels, tokens = None, None
        rows, texts = np.arange(first, last), self.generated.texts[first:last]
        if modality != "text":
            pixels = pixel_array(self.records, self.size, folder=self.records.parent / "pixels")
        if modality != "image":
            tokens = tokenize(self.tokenizer, clean(texts, ["lower_case"]), 40)
        return Examples(pixels, rows, tokens, self.generated.targets[first:last])

    def files(self, modality: str, architecture: NetworkArchitecture, last: int) -> Files:
        """The same as files."""
        parts: dict[str, Any] = {}
        if modality != "text":
            parts |= {"paths": self.paths[:last], "transform": usual_transforms(architecture)}
        if modality != "image":
            parts |= {"texts": self.generated.texts[:last], "tokenizer": self.tokenizer}
        return Files(torch.from_numpy(self.generated.targets[:last]), **parts)


def main() -> None:
    """Run all parts, or those named."""
    parser = argparse.ArgumentParser(description="Measure training, prediction and decoding on a CPU.")
    parser.add_argument("--tiny", action="store_const", const="--tiny", default="", dest="scale", help="seconds")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"folder of cpu.json and cpu.png: {RESULTS}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="all of them by default")
    given = parser.parse_args()
    sys.exit(measure(given.scale, given.out, given.parts))


def measure(name: str, out: Path, parts: Sequence[str]) -> int:
    """How many parts failed; what went well is stored anyway."""
    scale = SCALES[name]
    session = Session(out / "cpu.json", command=f"python -m bench.cpu {name}".rstrip(), seed=SEED, scale=vars(scale))
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log, redirect_stderr(log):
        data = prepared(scale, Path(folder))
        session.say(f"{len(data.paths)} records made, {session.results.content['about']['processor']}")
        for part in parts:
            session.attempt(part, partial(PARTS[part], scale, data, Path(folder)))
    if "training" in session.results.content:
        ratios(session.results.content["training"], out / "cpu.png")
    session.say(str(session.results.path))
    return session.failed


def training(scale: Scale, data: Data, folder: Path, add: Add, say: Say) -> None:
    """Records per second of our loop and of three others."""
    found: dict[str, Any] = {}
    for modality in MODALITIES:
        architecture, net = network(modality, scale, data, epochs=scale.rounds + 1)
        device, steps = accelerator("auto"), scale.records // scale.batch_size
        train = data.examples(modality, 0, scale.records)
        valid = data.examples(modality, scale.records, scale.records + scale.held_out)
        order = train.shuffled(scale.batch_size, np.random.default_rng(SEED))
        bare = Bare(net, architecture, CPU, precision_of(device), batches_of(train, architecture, order))
        files = data.files(modality, architecture, scale.records)
        everybody = Everybody(net, architecture, CPU, "fp32", files)
        trainer = HubTrainer(net, architecture, files, folder / "trainer")
        contenders = {
            "bare": partial(rate, partial(bare.train, steps), CPU),
            "everybody": partial(rate, partial(everybody.train, steps), CPU),
            "trainer": partial(trainer.rate, steps),
        }
        about = {"batch_size": scale.batch_size, "precision": precision_of(device), "workers": everybody.workers}
        race = train_in_turn(net, architecture, train, valid, device, contenders, say)
        about["precision_at_the_end"] = precision_of(device)
        found[modality] = about | race
        add(found)
        say(f"training, {modality}, {precision_of(device)}: {in_words(race)}")


def prediction(scale: Scale, data: Data, folder: Path, add: Add, say: Say) -> None:
    """Records per second of `predict` against the forward pass on a batch in memory."""
    found = {}
    for modality in MODALITIES:
        architecture, net = network(modality, scale, data)
        examples = data.examples(modality, 0, scale.records)
        size = prediction_batch(scale.size if modality != "text" else 0, CPU)
        batches = batches_of(examples, architecture, examples.in_order(size))
        found[modality] = predict_in_turn(net, architecture, examples, batches, accelerator("auto"), scale.rounds)
        add(found)
        say(f"prediction, {modality}: {in_words(found[modality])}")


def decoding(scale: Scale, data: Data, folder: Path, add: Add, say: Say) -> None:
    """Images per second of building the cache, against one core that decodes and resizes the same files."""

    def ours() -> int:
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            return len(pixel_array(data.records, scale.size, folder=Path(cache)))

    found = summary(interleaved({"ours": partial(rate, ours, CPU), "bare": _one_core(scale, data)}, scale.rounds))
    add(found)
    say(f"decoding: {in_words(found)}, which is one core")


def ingesting(scale: Scale, data: Data, folder: Path, add: Add, say: Say) -> None:
    """Records per second of what `ingest` does with an archive of the same files, against the same core."""
    archive = folder / "source.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in data.paths:
            packed.write(path, f"images/{path.name}")
        lines = [f"{path.name},1,{text}" for path, text in zip(data.paths, data.generated.texts, strict=True)]
        packed.writestr("train.csv", "\n".join(["ImageID,Labels,Caption", *lines]))

    def ours() -> int:
        records = Competition().read(open_source(archive, 1.0), Findings("error"), 50.0)
        write_records(folder / "ingested.parquet", records)
        return len(data.paths)

    found = summary(interleaved({"ours": partial(rate, ours, CPU), "bare": _one_core(scale, data)}, scale.rounds))
    add(found)
    say(f"ingesting: {in_words(found)}, which is one core")


def _one_core(scale: Scale, data: Data) -> Callable[[], float]:
    """Images per second of a loop that decodes and resizes the files, whose content is in memory."""
    size, contents = scale.size, [path.read_bytes() for path in data.paths]

    def bare() -> int:
        for content in contents:
            with Image.open(io.BytesIO(content)) as image:
                np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
        return len(contents)

    return partial(rate, bare, CPU)


PARTS = {"training": training, "prediction": prediction, "decoding": decoding, "ingesting": ingesting}


def prepared(scale: Scale, folder: Path) -> Data:
    """Records in all their forms."""
    generated = generate(scale.records + scale.held_out, scale.file_size, SEED)
    paths, records = generated.write_jpegs(folder / "jpegs"), folder / "records.parquet"
    rows = zip(paths, generated.texts, generated.targets, strict=True)
    write_records(
        records,
        (Record(path.name, text, [str(i) for i in np.flatnonzero(row)], path.read_bytes()) for path, text, row in rows),
    )
    architecture = resolve("measured", {"measured": {"dataset": "generated", "text": TEXT}}, _training(scale), SEED)
    text = architecture.model.text  # type: ignore[union-attr]
    assert text is not None
    assert text.tokenization is not None
    return Data(
        generated, paths, records, scale.size, fit_tokenizer(text.tokenization, clean(generated.texts, text.clean))
    )


def network(modality: str, scale: Scale, data: Data, epochs: int = 1) -> tuple[NetworkArchitecture, Network]:
    """With our defaults: AdamW, cosine, clip, flips and crops."""
    parts = {"image": {"encoder": scale.encoder, "size": scale.size}, "text": TEXT}
    block = {"dataset": "generated"} | (
        parts | {"fusion": "concat"} if modality == "fusion" else {modality: parts[modality]}
    )
    architecture = resolve("measured", {"measured": block}, _training(scale) | {"epochs": epochs}, SEED)
    assert isinstance(architecture, NetworkArchitecture)
    torch.manual_seed(SEED)
    return architecture, build(architecture.model, data.tokenizer.get_vocab_size(), LABELS)


def batches_of(examples: Examples, architecture: NetworkArchitecture, rows: Iterable[Any]) -> list[Batch]:
    """Batches as a network reads them, in memory."""
    prepare, found = ImagePreparation(architecture.model.image, CPU), []
    for chosen in rows:
        batch = examples.batch(chosen)
        found.append(Batch(prepare(batch.images), batch.tokens, batch.mask, batch.targets, batch.lengths))
    return found


def _training(scale: Scale) -> dict[str, Any]:
    return {"epochs": 1, "batch_size": scale.batch_size, "lr": 1e-3, "augment": "mild"}


if __name__ == "__main__":
    main()
