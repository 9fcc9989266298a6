"""`params.yaml` as a whole: a small good one, and what people may do to it."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SMALL_PARAMS

from multilabel import params
from multilabel.core.errors import UserError
from multilabel.core.yaml_files import read_yaml

GOOD: dict[str, Any] = {
    "seed": 1,
    "launcher": "accelerate launch --num_processes=2",
    "ingest": {"on_bad_record": "reject", "max_megapixels": 50, "max_unpacked_gb": 20},
    "datasets": {
        "photos": {
            "format": "competition",
            "source": "synthetic",
            "synthetic": {"labelled": 60, "unlabelled": 5, "seed": 3},
            "label_names": "coco",
        },
        "novels": {"format": "goodreads", "source": "novels.csv", "top_labels": 5},
        "products": {"format": "table", "source": "p.csv", "columns": {"id": "sku", "labels": "tags"}},
    },
    "eda": {"top_words": 10, "max_sample_images": 0},
    "split": {"valid": 0.1, "test": 0.2, "seed": 4},
    "train": {"epochs": 2, "batch_size": 8, "lr": 0.001, "loss": "bce", "augment": {"crop": 0.9}, "clip": 1.0},
    "architectures": {
        "words": {"dataset": "photos", "baseline": "tfidf_logreg"},
        "cnn": {"dataset": "photos", "text": {"encoder": "textcnn", "kernels": [3], "filters": 4}},
        "both": {
            "dataset": "photos",
            "image": {"encoder": "timm/resnet18", "size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
            "text": {"encoder": "gru", "hidden": 8, "embedding": 8, "pooling": "mean"},
            "fusion": {"name": "concat", "dropout": 0.1},
            "train": {"lr": 0.01},
        },
        "committee": {"dataset": "photos", "ensemble": {"members": ["words", "cnn"], "folds": 2}},
    },
    "ablations": {"without_image": {"base": "both", "image": None, "train": {"clip": None}}},
    "evaluate": {"n_resamples": 100},
    "explanations": {"looks": {"dataset": "photos", "of": "both"}},
    "limits": {"size_mb": None, "gpu_hours": 24},
    "submission": {"photos": {"select_by": "f1_samples"}},
    "report": {"sample_predictions": 2},
}
MISSING = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good file with one value replaced, added, or taken out."""
    raw = deepcopy(GOOD)
    *way, last = path.split("/")
    node = raw
    for key in way:
        node = node[key]
    if value is MISSING:
        del node[last]
    else:
        node[last] = value
    return raw


BAD: list[tuple[str, Any, str]] = [
    # sections
    ("seed", MISSING, "seed: the section is missing; add it to params.yaml"),
    ("split", MISSING, "split: the section is missing"),
    ("seeds", 1, "'seeds': unknown section; did you mean 'seed'?"),
    (3, 1, "3: unknown section; choose one of"),
    ("ingest", None, "ingest: 'max_megapixels' is missing; add it there"),
    ("eda", [10, 18], "eda: expected a block of settings, got [10, 18]; write `key: value` lines below it"),
    ("split", "0.1", "split: expected a block of settings, got '0.1'"),
    ("train", None, "train: 'epochs' is missing"),
    ("train", ["epochs"], "train: expected a block of settings, got ['epochs']"),
    ("limits", 100, "limits: expected a block of settings, got 100"),
    ("datasets", None, "datasets: expected blocks by name, got None; write `datasets: {}` for none"),
    ("architectures", ["cnn"], "architectures: expected blocks by name, got ['cnn']"),
    ("ablations", "none", "ablations: expected blocks by name, got 'none'"),
    ("explanations", None, "explanations: expected blocks by name, got None"),
    ("submission", False, "submission: expected blocks by name, got False"),
    # numbers
    ("seed", "abc", "seed: input should be a valid integer, got 'abc'; change it in params.yaml"),
    ("seed", None, "seed: input should be a valid integer, got None"),
    ("seed", -1, "seed: input should be greater than or equal to 0, got -1"),
    ("seed", 10**30, "seed: input should be less than or equal to 2147483647, got 1000000000000000000000000000000"),
    ("seed", 1.0, "seed: input should be a valid integer, got 1.0"),
    ("seed", True, "seed: input should be a valid integer, got True"),
    ("split/seed", -1, "split.seed: input should be greater than or equal to 0"),
    ("split/valid", 0.8, "split: valid and test together leave nothing for train; their sum must be below 1"),
    ("split/test", 0, "split.test: input should be greater than 0"),
    ("train/lr", 1e6, "train.lr: input should be less than or equal to 10, got 1000000.0"),
    ("train/lr", float("inf"), "train.lr: expected a finite number, got inf"),
    ("train/lr", float("nan"), "train.lr: expected a finite number, got nan"),
    ("train/lr", "fast", "train.lr: input should be a valid number, got 'fast'"),
    ("train/lr", True, "train.lr: input should be a valid number, got True"),
    ("train/epochs", 10**9, "train.epochs: input should be less than or equal to 10000"),
    ("train/batch_size", 10**6, "train.batch_size: input should be less than or equal to 65536"),
    ("train/clip", float("-inf"), "train.clip: expected a finite number, got -inf"),
    ("train/weight_decay", 1e9, "train.weight_decay: input should be less than or equal to 10"),
    ("train/augment", [1], "train.augment: expected a block of settings, got [1]"),
    ("train/augment/crop", float("nan"), "train.augment.crop: expected a finite number"),
    ("train/loss", {"name": "focal", "gama": 1}, "train.loss: unknown key 'gama'; did you mean 'gamma'?"),
    ("train/loss", 3, "train.loss: 'name' is missing; write `name: <name>` there"),
    ("train/epoch", 3, "train: unknown key 'epoch'; did you mean 'epochs'?"),
    ("train/schedule", "cosinus", "unknown schedule 'cosinus' in train.schedule; did you mean 'cosine'?"),
    ("evaluate/n_resamples", 10**12, "evaluate.n_resamples: input should be less than or equal to 100000"),
    ("ingest/max_megapixels", float("inf"), "ingest.max_megapixels: expected a finite number"),
    ("ingest/on_bad_record", "ignore", "ingest.on_bad_record: input should be 'reject' or 'error', got 'ignore'"),
    ("eda/max_sample_images", -1, "eda.max_sample_images: input should be greater than or equal to 0"),
    ("report/explorer_records", -1, "report.explorer_records: input should be greater than or equal to 0"),
    ("report/sample_predictions", 10**9, "report.sample_predictions: input should be less than or equal to 1000"),
    ("limits/gpu_hours", 0, "limits.gpu_hours: input should be greater than 0"),
    # names and commands
    ("launcher", "python; touch x", "launcher: 'python; touch x' is no plain command; use words such as"),
    ("launcher", "$(touch x)", "launcher: '$(touch x)' is no plain command"),
    ("launcher", "python\ntouch x", r"launcher: 'python\ntouch x' is no plain command"),
    ("launcher", "", "launcher: '' is no plain command"),
    ("launcher", ["python"], "launcher: input should be a valid string, got ['python']"),
    ("datasets/a b; touch x", {}, "datasets: 'a b; touch x' is no usable name; use lower-case letters, digits and under"),
    ("architectures/It's", {}, 'architectures: "It\'s" is no usable name'),
    ("ablations/$(touch x)", {}, "ablations: '$(touch x)' is no usable name"),
    ("explanations/a|b", {}, "explanations: 'a|b' is no usable name"),
    ("submission/..", {}, "submission: '..' is no usable name"),
    ("architectures/" + "a" * 101, {}, "is no usable name"),
    ("datasets/ablations", {}, "datasets.ablations: models/ablations/ belongs to the ablations; choose another name"),
    # datasets
    ("datasets/photos", None, "datasets.photos: 'format' is missing; write `format: <name>` there"),
    ("datasets/photos", [], "datasets.photos: expected a block of settings, got []"),
    ("datasets/photos/format", "competiton", "unknown format 'competiton' in datasets.photos.format; did you mean 'compe"),
    ("datasets/photos/source", "", "datasets.photos.source: string should have at least 1 character, got ''"),
    ("datasets/photos/source", MISSING, "datasets.photos: 'source' is missing; add it there"),
    ("datasets/photos/sha256", "abc", "datasets.photos.sha256: string should match pattern '^[0-9a-f]{64}$', got 'abc'"),
    ("datasets/photos/label_names", "cocoa", "unknown label naming 'cocoa' in datasets.photos.label_names; did you mean"),
    ("datasets/photos/synthetic", MISSING, "datasets.photos.synthetic: 'labelled' is missing; add it there"),
    ("datasets/photos/synthetic", [60], "datasets.photos.synthetic: input should be a valid dictionary, got [60]"),
    ("datasets/photos/synthetic/labelled", 10**10, "datasets.photos.synthetic.labelled: input should be less than or"),
    ("datasets/photos/synthetic/seed", "x", "datasets.photos.synthetic.seed: input should be a valid integer, got 'x'"),
    ("datasets/novels/top_labels", 0, "datasets.novels.top_labels: input should be greater than or equal to 1"),
    ("datasets/products/columns", {}, "datasets.products.columns: 'id' is missing; name the column that holds it"),
    ("datasets/products/columns/pics", "x", "datasets.products.columns: unknown key 'pics'; use id, image, labels, text"),
    ("datasets/products/columns/id", 3, "datasets.products.columns: input should be a valid string, got 3"),
    ("datasets/products/label_separator", "", "datasets.products.label_separator: is empty; write what stands between"),
    ("datasets/novels/text", ["titel"], "datasets.novels.text: unknown column 'titel'; choose from id, title, author"),
    ("datasets/products/source", "synthetic", "unknown generator 'table' in datasets.products.format (for source: syn"),
    # architectures
    ("architectures/cnn", None, "architectures.cnn: 'dataset' is missing; name one of the blocks of datasets:"),
    ("architectures/cnn", "textcnn", "architectures.cnn: expected a block of settings, got 'textcnn'"),
    ("architectures/cnn/dataset", "photo", "unknown dataset 'photo' in architectures.cnn.dataset; did you mean 'photos'?"),
    ("architectures/cnn/text", MISSING, "architectures.cnn: reads nothing; give it an `image:` or a `text:` block"),
    ("architectures/cnn/text", "textcnn", "architectures.cnn.text: 'encoder' is missing; write `encoder: <name>` there"),
    ("architectures/cnn/txt", {}, "unknown part 'txt' in architectures.cnn; did you mean 'text'?"),
    ("architectures/cnn/head", [], "architectures.cnn.head: 'name' is missing"),
    ("architectures/cnn/train", [], "architectures.cnn.train: expected a block of settings, got []"),
    ("architectures/cnn/text/encoder", "grue", "unknown text encoder (or hf/<hub id or folder>) 'grue' in architectures.cnn."),
    ("architectures/cnn/text/kernels", [], "architectures.cnn.text.kernels: value should have at least 1 item"),
    ("architectures/cnn/text/kernels", [0], "architectures.cnn.text.kernels.0: input should be greater than or equal to 1"),
    ("architectures/cnn/text/kernels", "3", "architectures.cnn.text.kernels: "),
    ("architectures/cnn/text/filters", 10**9, "architectures.cnn.text.filters: input should be less than or equal to 16384"),
    ("architectures/cnn/text/vocabulary", 10**9, "architectures.cnn.text.vocabulary: input should be less than or equal"),
    ("architectures/cnn/text/max_length", 10**9, "architectures.cnn.text.max_length: input should be less than or equal"),
    ("architectures/cnn/text/clean", ["lower"], "unknown cleaning step 'lower' in architectures.cnn.text.clean; did you"),
    ("architectures/both/text/pooling", "average", "unknown pooling 'average' in architectures.both.text.pooling; choose"),
    ("architectures/both/image/std", [0, 0, 0], "architectures.both.image.std.0: input should be greater than 0.001, got 0"),
    ("architectures/both/image/std", 0.5, "architectures.both.image.std: "),
    ("architectures/both/image/mean", [0.5], "architectures.both.image.mean: value should have at least 3 items"),
    ("architectures/both/image/mean", [0.5] * 4, "architectures.both.image.mean: value should have at most 3 items"),
    ("architectures/both/image/mean", [0.5, float("nan"), 0.5], "architectures.both.image.mean.1: expected a finite number"),
    ("architectures/both/image/size", 10**6, "architectures.both.image.size: input should be less than or equal to 1024"),
    ("architectures/both/image/encoder", "tim/x", "unknown image encoder family 'tim' in architectures.both.image.encoder"),
    ("architectures/both/fusion", [], "architectures.both.fusion: 'name' is missing"),
    ("architectures/both/fusion/dropout", 1, "architectures.both.fusion.dropout: input should be less than 1, got 1"),
    ("architectures/words/baseline", "tfidf", "unknown baseline 'tfidf' in architectures.words.baseline; choose one of: constant, keyword"),
    ("architectures/words/train", {}, "architectures.words: a baseline reads the text at most and has no `train:`; take it out"),
    ("architectures/committee/ensemble/members", [], "architectures.committee.ensemble.members: list should have at least"),
    ("architectures/committee/ensemble/members", ["cn"], "unknown architecture 'cn' in architectures.committee.ensemble"),
    ("architectures/committee/ensemble/members", ["committee"], "'committee' is an ensemble itself; name its members"),
    ("architectures/committee/ensemble", 3, "architectures.committee.ensemble: expected a block of settings, got 3"),
    # what one block says of another
    ("ablations/new", {}, "ablations.new: 'base' is missing; name the architecture that it changes"),
    ("ablations/new", {"base": "bothe"}, "unknown architecture 'bothe' in ablations.new.base; did you mean 'both'?"),
    ("ablations/new", {"base": ["both"]}, "unknown architecture ['both'] in ablations.new.base; did you mean 'both'?"),
    ("ablations/both", {"base": "cnn"}, "ablations.both: 'both' stands in architectures: already; choose another name"),
    ("ablations/photos", {"base": "cnn"}, "ablations.photos: 'photos' stands in datasets: already; choose another name"),
    ("ablations/new", {"base": "both", "dataset": "novels"}, "ablations.new.dataset: an ablation is compared with its"),
    ("ablations/new", {"base": "both", "text": {"hiden": 3}}, "ablations.new.text: unknown key 'hiden'; did you mean 'hid"),
    ("architectures/new", {"base": "cnn"}, "architectures.new: 'dataset' is missing; DVC reads it in each block, so repeat"),
    ("architectures/cnn/base", "cnn", "architectures.cnn.base: cnn -> cnn goes in a circle; give one of them all its set"),
    ("explanations/looks/of", "bot", "unknown architecture 'bot' in explanations.looks.of; did you mean 'both'?"),
    ("explanations/looks/of", "words", "explanations.looks.of: 'words' has a `baseline:`, and networks alone can be expl"),
    ("explanations/looks/of", "committee", "explanations.looks.of: 'committee' has a `ensemble:`, and networks alone can"),
    ("explanations/looks/dataset", "novels", "explanations.looks.dataset: 'both' reads 'photos'; write that"),
    ("explanations/looks/records", 0, "explanations.looks.records: input should be greater than or equal to 1"),
    ("explanations/looks", None, "explanations.looks: 'of' is missing; add it there"),
    ("submission/music", {"select_by": "map"}, "unknown dataset 'music' in submission.music; choose one of: novels, photos"),
    ("submission/novels", {"select_by": "map"}, "submission.novels: no architecture reads 'novels'; take the block out"),
    ("submission/photos/select_by", "f1", "submission.photos.select_by: input should be 'f1_samples', 'f1_micro'"),
    ("datasets/photos/synthetic/unlabelled", 0, "submission.photos: datasets.photos.synthetic has no unlabelled records"),
]  # fmt: skip


def mistakes(raw: object) -> list[str]:
    """Every mistake in the content of a file, a line each."""
    return params._parse(raw)[1]


def test_a_good_file_has_no_mistake() -> None:
    assert mistakes(GOOD) == []
    assert mistakes(read_yaml(ROOT / "params.yaml")) == []


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=[f"{path}={str(value)[:20]}" for path, value, _ in BAD])
def test_a_mistake_is_one_line_that_names_its_place(path: str, value: Any, message: str) -> None:
    found = mistakes({**GOOD, path: value} if isinstance(path, int) else changed(path, value))
    assert any(message in line for line in found), found
    assert all("\n" not in line and len(line) < 400 for line in found)


@pytest.mark.parametrize("raw", [None, [], "seed: 1", 3, {}, {None: None}, {"seed": 1}, {"seed": {"seed": {}}}])
def test_what_is_no_params_file_is_said(raw: Any) -> None:
    found = mistakes(raw)
    assert found
    assert all("\n" not in line and len(line) < 400 for line in found)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("explanations", {}),
        ("ablations", {}),
        ("submission", {}),
        ("limits", None),
        ("eda/max_sample_images", 0),
        ("launcher", "/opt/env/bin/python -m accelerate.commands.launch"),
        ("train/augment", None),
        ("train/clip", None),
        ("split/seed", MISSING),
        ("architectures/wide", {"dataset": "photos", "base": "cnn", "text": {"filters": 8}}),
        ("datasets/photos/synthetic/seed", 2**31 - 1),
    ],
)
def test_what_is_allowed(path: str, value: Any) -> None:
    assert mistakes(changed(path, value)) == []


def test_every_mistake_is_listed_at_once() -> None:
    raw = deepcopy(GOOD)
    raw["seed"] = -1
    raw["trains"] = raw.pop("train")
    raw["split"] = {"valid": 2, "tst": 0.1}
    raw["datasets"]["novels"] |= {"top_labels": 0, "sha256": 1}
    raw["architectures"]["both"]["image"]["std"] = [0, 0, 0]
    raw["architectures"]["both"]["text"] |= {"hidden": 0, "pooling": "x"}
    raw["architectures"]["both"]["train"] = {"lr": "x"}
    raw["ablations"]["without_image"]["train"] = {"epochs": 0}
    raw["explanations"]["looks"]["of"] = "x"
    expected = [
        "'trains': unknown section; did you mean 'train'",
        "seed:",
        "split: unknown key 'tst'",
        "split.valid:",
        "datasets.novels.sha256:",
        "datasets.novels.top_labels:",
        "architectures.both.train.lr:",
        "architectures.both.image.std.0:",
        "architectures.both.text.hidden:",
        "unknown pooling 'x' in architectures.both.text.pooling",
        "ablations.without_image.train.epochs:",
        "unknown architecture 'x' in explanations.looks.of",
    ]
    found = mistakes(raw)
    assert len(found) == len(expected), found
    assert all(line.startswith(beginning) for line, beginning in zip(found, expected, strict=True)), found


def test_what_a_base_says_wrong_is_not_said_again_of_its_ablations() -> None:
    raw = deepcopy(GOOD)
    raw["architectures"]["both"]["text"]["hidden"] = 0
    raw["architectures"]["cnn"]["dataset"] = "x"
    raw["ablations"] |= {"wide": {"base": "both", "fusion": "sum"}, "narrow": {"base": "cnn"}}
    assert [line.partition(";")[0] for line in mistakes(raw)] == [
        "unknown dataset 'x' in architectures.cnn.dataset",
        "architectures.both.text.hidden: input should be greater than or equal to 1, got 0",
        "architectures.committee.ensemble.members: 'cnn' reads the dataset 'x', not 'photos'",
    ]


def places(node: Any, path: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{path}{key}"
        if isinstance(value, dict):
            yield from places(value, f"{path}{key}/")


HOSTILE = [None, {}, "", "a\n" * 5000, -1, 10**400, float("nan"), [None], {None: {"name": []}}]


@pytest.mark.parametrize("path", list(places(GOOD)))
def test_whatever_stands_anywhere_there_are_lines_or_nothing(path: str) -> None:
    for value in HOSTILE:
        for line in mistakes(changed(path, value)):
            assert "\n" not in line
            assert len(line) < 500
            assert any(section in line for section in GOOD)


def test_a_file_is_read_into_types(tmp_path: Path) -> None:
    found = params.read(SMALL_PARAMS)
    assert found.split.seed == found.seed == 42
    assert found.ablations["no_attention"].model.text.options["pooling"] == "last"
    assert found.architectures["textcnn"].train.lr == 3e-3

    path = tmp_path / "params.yaml"
    path.write_text("seed: x\n")
    with pytest.raises(UserError) as error:
        params.read(path)
    lines = str(error.value).split("\n")
    assert lines[-1] == "seed: input should be a valid integer, got 'x'; change it in params.yaml"
    assert len(lines) == len(GOOD)


def test_baselines_and_ensembles_are_decoded_as_networks_are() -> None:
    """Else one leads a table by its decoding alone; an ensemble may name another one."""
    shared = changed("train/decoding", {"name": "global", "fallback": False})
    found = params.sound(shared).architectures
    assert {name: one.decoding.name for name, one in found.items()} == dict.fromkeys(GOOD["architectures"], "global")
    assert len({str(one.decoding) for one in found.values()}) == 1
    shared["architectures"]["committee"]["ensemble"]["decoding"] = "fixed"
    assert params.sound(shared).architectures["committee"].decoding.name == "fixed"


@pytest.mark.parametrize("section", [name for name in GOOD if name != "ablations"])
@pytest.mark.parametrize("block", [{"base": "both", "image": None}, {"base": "both", "train": {"clip": None}}])
def test_an_ablation_that_stands_elsewhere_is_a_mistake(section: str, block: dict[str, Any]) -> None:
    raw = deepcopy(GOOD)
    raw[section] = {**(raw[section] if isinstance(raw[section], dict) else {}), "misplaced": block}
    found = mistakes(raw)
    assert found
    assert all(line.startswith(section) or f"in {section}" in line for line in found)


@pytest.mark.parametrize(
    ("dataset", "block", "part"),
    [
        ("novels", {"image": {"encoder": "timm/resnet18"}}, "image"),
        ("products", {"text": {"encoder": "gru"}}, "text"),
        ("products", {"baseline": "tfidf_logreg"}, "text"),
        ("products", {"baseline": "constant"}, ""),
    ],
)
def test_what_a_dataset_cannot_have_is_not_read(dataset: str, block: dict[str, Any], part: str) -> None:
    found = mistakes(changed("architectures/new", {"dataset": dataset, **block}))
    line = f"architectures.new: reads the {part}, and records of {dataset!r} have none; take `{part}:` out, or name the column"
    assert [each[: len(line)] for each in found] == ([line] if part else [])


def test_names_of_studies_are_words_as_well(tmp_path: Path) -> None:
    own = ROOT / "studies" / "params.yaml"
    assert not own.exists() or params.check_studies(own) == []
    path = tmp_path / "params.yaml"
    path.write_text("studies: {'r0; touch x': {dataset: books}, r1: {dataset: '$(touch x)'}, r2: 3}\n")
    assert [line.removeprefix(f"{path} ").partition(";")[0] for line in params.check_studies(path)] == [
        "studies: 'r0",
        "studies.r1.dataset: '$(touch x)' is no usable name",
        "studies.r2: expected a block of settings, got 3",
    ]


def test_names_are_checked_before_a_shell_sees_them() -> None:
    """What DVC puts into a command comes from params.yaml, and no quotes are safe around it."""
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    assert not stages["resolve"].get("foreach")
    assert "${" not in stages["resolve"]["cmd"]
    assert {section for section in stages["resolve"]["params"] if isinstance(section, str)} >= set(GOOD)
    for name, stage in stages.items():
        do = stage.get("do", stage)
        assert name == "resolve" or any(dep.startswith(("data/code/", "data/resolved/")) for dep in do["deps"])


def test_a_dataset_that_nothing_reads_is_a_caution() -> None:
    found, _ = params._parse(GOOD)
    assert found is not None
    assert [line.partition(":")[0] for line in params.cautions(found)] == ["datasets.novels", "datasets.products"]
