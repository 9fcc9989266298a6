"""The stage: it ends with a report whatever the data hold and whatever was predicted, or says which stage to run."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from made_up_project import HOSTILE, Project, mixed, nothing, records, right, wrong
from matplotlib.figure import Figure
from PIL import Image

from multilabel.core.errors import UserError
from multilabel.core.files import write_json
from multilabel.core.paths import EXPLANATIONS, PER_RECORD, PREDICTIONS, predictions_file
from multilabel.data.records import Record
from multilabel.metrics.pointing import pointing_game
from multilabel.metrics.predictions import BY_SEED
from multilabel.reporting import image_plots, plots


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project; tests add data and models."""
    monkeypatch.chdir(tmp_path)
    return Project(capsys)


def figures(markdown: str) -> list[str]:
    """The figures that a report shows; all must be there."""
    shown = re.findall(r"^!\[[^\n]*\]\(([^)]+)\)$", markdown, re.MULTILINE)
    assert [path for path in shown if not (Path("reports") / path).is_file()] == []
    return shown


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("said", [right, wrong, nothing, mixed])
def test_all_none_or_some_of_the_test_records_are_right(said: Any, images: bool, finished: Project) -> None:
    own = records(images=images)
    finished.model("net", own, finished.data(own), said)
    markdown, page, _ = finished.report(draw=True)
    assert ("No test record is predicted wrongly." in markdown) == (said is right)
    assert ("No test record is predicted exactly." in markdown) == (said in (wrong, nothing))
    assert page.count("<img ") == len(figures(markdown))


def test_labels_captions_sources_and_reasons_are_text(finished: Project) -> None:
    own = [Record(f"{n}", label, [label, HOSTILE[n - 1]]) for n, label in enumerate(HOSTILE)]
    labels = finished.data(own)
    finished.params["report"]["sample_predictions"] = 50
    finished.model("net", own, labels, lambda n, target: target if n % 2 else np.roll(target, 1))
    markdown, page, _ = finished.report(draw=True)
    assert not re.search(r"<(script|b|i|img)\b", markdown)
    assert not re.search(r"(?<!\\)\]\((?!figures/)", markdown)
    assert len(figures(markdown)) == page.count("<img ")
    body = page[page.index("<body>") :]
    assert not re.search(r"<(script|a href=\"(?!#)|img src=\"(?!data:))", body)
    rows = re.findall(
        r"<tr>\n(.*?)</tr>", body[body.index("Test records predicted exactly") :].partition("</table>")[0], re.DOTALL
    )
    assert {row.count("<td") for row in rows[1:]} == {3}
    for label in (
        "a|b",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "![x](a.png)",
        "![x](http://example.org/pixel.png)",
        "a $50% off$ tag",
    ):
        assert label in body, label
    per_label = pd.read_csv("reports/per_label.csv", dtype=str, keep_default_na=False)
    assert sorted(per_label["name"]) == sorted(HOSTILE)


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize(("name", "shown"), [("cat, black", "cat, black; dog"), ("cat", "cat, dog")])
def test_two_labels_are_told_from_one_whose_name_holds_a_comma(
    name: str, shown: str, images: bool, finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(image_plots, "image_grid", lambda contents, own, columns, path: titles.extend(own))
    own = [replace(record, labels=[name, "dog"]) for record in records(2, images)]
    finished.params["eda"]["max_sample_images"] = 0
    finished.model("net", own, finished.data(own), right)
    markdown, _, _ = finished.report()
    assert (f"| {shown} | {shown} |" in markdown) != images
    titled = [title.split("\n", 1)[1].replace("\n", " ") for title in titles]
    assert titled == [f"true: {shown} predicted: {shown}"] * (2 * images)


def test_a_caption_cannot_bring_a_file_of_the_machine_into_the_report(finished: Project) -> None:
    Image.new("RGB", (3, 3), "red").save("secret.png")
    secret = Path("secret.png").resolve()
    own = [Record(str(n), f"![x]({secret}) ![y](../secret.png)", ["a"]) for n in range(4)]
    finished.model("net", own, finished.data(own), right)
    markdown, page, _ = finished.report()
    assert page.count("<img ") == len(figures(markdown))
    assert f"![x]({secret})" in page


@pytest.mark.parametrize("labels", [("cat",), tuple(f"label {i}" for i in range(60))])
def test_one_label_and_many_some_of_them_never_predicted(labels: tuple[str, ...], finished: Project) -> None:
    own = records(90, labels=labels)
    known = finished.data(own)
    finished.model("net", own, known, lambda number, target: np.eye(len(labels), dtype=np.uint8)[0])
    markdown, _, _ = finished.report(draw=True)
    assert "No test record" in markdown or len(labels) > 1
    assert len(pd.read_csv("reports/per_label.csv")) == len(labels)


def test_what_could_not_be_computed_is_not_available(finished: Project) -> None:
    own = records()
    labels = finished.data(own)
    finished.model("net", own, labels, right, map=None, f1_samples_ci_low=None, f1_samples_ci_high=None, f1_macro=None)
    markdown, _, _ = finished.report()
    assert "| `net` | text | **0.500** (n/a to n/a) | n/a | n/a | 1 |" in markdown


def test_nothing_but_data(finished: Project) -> None:
    finished.data(records())
    finished.params |= {"ablations": {}, "submission": None, "explanations": None, "limits": {}}
    markdown, _, printed = finished.report()
    assert "No architecture in `params.yaml` reads this dataset." in markdown
    assert "## `d`: the data" in markdown
    assert printed == ""
    assert list(pd.read_csv("reports/per_label.csv")) == ["dataset"]


def test_one_dataset_of_two_without_an_architecture(finished: Project) -> None:
    own = records()
    finished.data(own, "empty")
    finished.model("net", own, finished.data(own), mixed)
    markdown, _, printed = finished.report()
    assert "## `empty`: which model is best\n\nNo architecture" in markdown
    assert "`net`" in printed


def test_no_samples_and_no_sample_images_are_wanted(finished: Project) -> None:
    own = records(images=True)
    finished.params["report"]["sample_predictions"] = 0
    finished.params["eda"]["max_sample_images"] = 0
    finished.model("net", own, finished.data(own), mixed)
    markdown, _, _ = finished.report()
    assert "sample predictions" not in markdown
    assert "sample_images" not in markdown
    assert figures(markdown)


def test_the_page_begins_with_the_answer(finished: Project) -> None:
    own = records(40)
    labels = finished.data(own)
    finished.model("rule", own, labels, mixed, baseline=True, f1_samples=0.5, valid_f1_samples=0.6)
    finished.model("text_net", own, labels, lambda n, t: t if n % 4 else 1 - t, f1_samples=0.75, valid_f1_samples=0.7)
    finished.model("image_net", own, labels, wrong, modality="image", f1_samples=0.0, valid_f1_samples=0.1)
    finished.model("both", own, labels, right, modality="image+text", f1_samples=1.0, valid_f1_samples=0.9)
    finished.model("lucky", own, labels, right, modality="image+text", f1_samples=1.0, valid_f1_samples=0.2)
    finished.params["submission"] = {"d": {"select_by": "f1_samples"}}
    Path("metrics/submission").mkdir()
    Path("metrics/submission/d.json").write_text(
        json.dumps({"architecture": "both", "rows": 12, "labels_per_row": 1.2})
    )
    markdown, _, _ = finished.report()
    first, rest = markdown.split("## What the numbers mean")
    assert "| `both` | image+text | **1.000** (0.400 to 0.600) | 0.500 | 0.500 | 1 |" in first
    assert max(line.count(" | ") for line in first.splitlines()) == 5  # six columns
    fusion = re.search(
        r"\*\*Fusion\*\*: `(\w+)` reads image and text, `(\w+)` .*: (\S+) \(\S+ to \S+\), \*\*(\w+)\*\*", first
    )
    assert fusion
    assert fusion.groups() == ("both", "text_net", "+0.250", "better")
    assert "`both`, `lucky`, `text_net` are better than the best baseline, `rule`; `image_net` is not." in first
    assert "**To submit**: `data/submission/d.csv`, 12 rows predicted by `both`" in first
    assert "valid samples-F1" in rest
    for line in [line for line in rest.splitlines() if line.startswith("| architecture | reads")]:
        assert all(head.startswith(("test ", "valid ")) for head in line.split(" | ")[2:8])


def test_no_network_beats_the_baseline_and_the_report_says_so(finished: Project) -> None:
    own = records(20)
    labels = finished.data(own)
    finished.model("rule", own, labels, right, baseline=True, f1_samples=1.0)
    finished.model("net", own, labels, mixed)
    assert "on test no network is better than the best baseline, `rule`." in finished.report()[0]


@pytest.mark.parametrize("learned", [True, False])
def test_what_is_no_better_than_a_constant_is_named(learned: bool, finished: Project) -> None:
    own = records(20)
    labels = finished.data(own)
    finished.model("same", own, labels, lambda number, target: np.array([1, 0]), baseline=True, modality="nothing")
    finished.model("net", own, labels, wrong)
    finished.model("other", own, labels, right if learned else mixed)
    markdown = finished.report()[0]
    said = "on test `net` is not better than `same`, which says the same of every record."
    both = "on test `net`, `other` are not better than `same`, which says the same of every record. Get more records"
    assert (f"**Learned nothing that shows**: {said}" in markdown) == learned
    assert (f"**Nothing has learned anything that shows**: {both}" in markdown) == (not learned)


def test_an_architecture_of_several_seeds_is_its_mean(finished: Project) -> None:
    own = records(20)
    labels = finished.data(own)
    finished.model("rule", own, labels, mixed, baseline=True)
    finished.model("net", own, labels, right, seeds=2, f1_samples=0.75, f1_samples_sd=0.354)
    by_seed = pd.DataFrame({"1": np.ones(20), "2": np.arange(20) % 2.0})
    by_seed.to_parquet(predictions_file("net").with_name(BY_SEED), index=False)
    markdown = finished.report()[0]
    assert "| `net` | text | **0.750** ± 0.354 of 2 seeds (0.400 to 0.600) |" in markdown
    assert "| `rule` | text | **0.500** (0.400 to 0.600) |" in markdown
    value, low, high = re.search(r"\| `net` \| (\S+) \((\S+) to (\S+)\)", markdown).groups()  # type: ignore[union-attr]
    assert float(value) == 0.25
    assert float(low) < -1 < 1 < float(high)  # two seeds this far apart say next to nothing
    kept = pd.read_parquet("reports/f1_per_record.parquet")
    assert kept[["f1_net@0", "f1_net@1"]].to_numpy().tolist() == by_seed.to_numpy().tolist()


def test_a_block_is_what_its_base_makes_of_it(finished: Project) -> None:
    own = records(20)
    labels = finished.data(own)
    finished.model("rule", own, labels, mixed, baseline=True)
    finished.model("heir", own, labels, right)
    finished.params["architectures"]["heir"] = {"base": "rule", "dataset": "d"}
    assert "Against the best baseline" not in finished.report()[0]  # there is nothing but baselines


def test_curves_of_all_networks_stand_in_one_table_for_dvc(finished: Project) -> None:
    own = records()
    labels = finished.data(own)
    finished.model("rule", own, labels, mixed, baseline=True)
    finished.model("a", own, labels, mixed)
    finished.model("b", own, labels, mixed)
    finished.curve("rule", [0.1])
    finished.curve("a", [0.1, 0.2])
    finished.report()
    curves = pd.read_csv("reports/curves.tsv", sep="\t")
    assert curves.to_dict("list") == {
        "dataset": ["d", "d"],
        "architecture": ["a", "a"],
        "step": [0, 1],
        "valid_f1_samples": [0.1, 0.2],
    }


def test_curves_are_of_networks_each_in_one_colour(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    labels = finished.data(records())
    for number, name in enumerate(("together", "a", "b", "c")):
        finished.model(name, records(), labels, mixed, f1_samples=0.9 - number / 10)
    finished.params["architectures"]["together"]["ensemble"] = {"members": ["a", "b"]}
    finished.curve("together", [0.9])
    for name, epochs in (("a", 2), ("b", 2), ("c", 1)):
        finished.curve(name, [0.1] * epochs)
    loss = Path("metrics/train/b/plots/metrics/valid/loss.tsv")
    loss.write_text("step\tloss\n0\t0.5\n1\t0.4\n")
    finished.report()
    by_title = {axes.get_title(): axes.lines for figure in figures for axes in figure.axes}
    drawn = {line.get_label(): line for line in by_title["valid/f1_samples"]}
    assert [(name, len(line.get_xdata())) for name, line in drawn.items()] == [("a", 2), ("b", 2), ("c", 1)]
    assert [line.get_color() for line in by_title["valid/loss"]] == [drawn["b"].get_color()]
    assert set(pd.read_csv("reports/curves.tsv", sep="\t")["architecture"]) == {"a", "b", "c"}


def test_what_a_gpu_did_is_drawn_over_time_where_one_trained(finished: Project) -> None:
    labels = finished.data(records())
    finished.model("a", records(), labels, mixed)
    assert "over time" not in finished.report()[0]
    folder = Path("metrics/train/a/plots/metrics/gpu")
    folder.mkdir(parents=True)
    (folder / "utilisation.tsv").write_text("step\tutilisation\n0.0\t12\n1.0\t97\n")
    assert "![gpu/utilisation over time](figures/d_gpu_utilisation.png)" in finished.report()[0]


def test_f1_of_every_record_is_left_for_reviews_and_does_not_change_by_itself(finished: Project) -> None:
    own, other = records(), records(5)
    labels = finished.data(own)
    finished.model("b", own, labels, mixed)
    finished.model("a", own, labels, right)
    finished.model("novel", other, finished.data(other, "books"), wrong, dataset="books")
    finished.report()
    before = PER_RECORD.read_bytes()
    finished.report()
    assert PER_RECORD.read_bytes() == before
    table = pd.read_parquet(PER_RECORD)
    assert list(table) == ["dataset", "id", "truth", "f1_b", "f1_a", "f1_novel"]
    assert table["f1_b"].tolist()[:8] == [0, 1] * 4
    assert table["f1_novel"].isna().tolist() == [True] * 8 + [False] * 5


def whole(finished: Project) -> None:
    own = records()
    labels = finished.data(own)
    finished.model("net", own, labels, mixed)
    finished.params["ablations"] = {"half": {"base": "net"}}
    finished.params["submission"] = {"d": {}}
    ablated = {
        "base": "net",
        "f1_samples": 0.5,
        "difference": 0.0,
        "difference_ci_low": -0.1,
        "difference_ci_high": 0.1,
    }
    summary = {"architecture": "net", "rows": 1, "labels_per_row": 1.0}
    for stage, name, content in (("ablate", "half", ablated), ("submission", "d", summary)):
        Path(f"metrics/{stage}").mkdir()
        Path(f"metrics/{stage}/{name}.json").write_text(json.dumps(content))
    finished.explanation("why", "net", {})
    Image.new("RGB", (3, 3)).save("data/explanations/why/words.png")


def test_everything_there_is(finished: Project) -> None:
    whole(finished)
    markdown, _, _ = finished.report()
    assert "| `half` | `net` | +0.000 (-0.100 to +0.100) | not distinguishable |" in markdown
    assert "figures/why_words.png" in figures(markdown)
    assert "Pointing game" not in markdown  # which was played over no record
    assert "Deletion" not in markdown


def line_of(finished: Project, title: str, found: dict[str, Any]) -> str:
    """What the report says of a measure of an explanation, between its heading and its figures."""
    whole(finished)
    path = Path("metrics/explain/why.json")
    write_json(path, json.loads(path.read_text()) | found)
    markdown, _, _ = finished.report()
    (line,) = [line for line in markdown.splitlines() if title in line]
    assert markdown.index("## Why `net` says so") < markdown.index(line) < markdown.index("figures/why_words.png")
    return line


def test_the_pointing_game_says_what_was_measured(finished: Project) -> None:
    boxes = np.array([[0.4, 0.4, 0.2, 0.2], [0, 0, 0.3, 0.3], [0.6, 0.6, 0.4, 0.4], [0, 0, 1, 1]])
    points = np.array([[0.5, 0.5], [0.1, 0.1], [0.1, 0.1], [0.9, 0.9]])
    assert line_of(finished, "Pointing game", pointing_game(points, boxes)) == (
        "**Pointing game** (Zhang et al. 2016): **0.750** (0.301 to 0.954, 95 % interval of Wilson). In 3 of the 4 test records "
        "with one label and one box, the strongest place of the Grad-CAM for that label lies inside the box, without tolerance. "
        "Always pointing at the centre of the image scores 0.500. Where the centre lies outside, in 2 of them, the network "
        "scores 0.500."
    )


@pytest.mark.parametrize(
    ("taken", "left_out", "said"),
    [
        (500, 0, "500 of the 500 test records that were looked at (all of a small test split, evenly drawn from a large one)."),
        (16, 18, "16 of the 34 test records that were looked at (all of a small test split, evenly drawn from a large one). The "
         "other 18 are left out: their map is zero everywhere, or they are alone with their label."),
    ],
)  # fmt: skip
def test_deletion_says_what_was_measured(taken: int, left_out: int, said: str, finished: Project) -> None:
    measured = {
        "deletion_records": taken, "deletion_left_out": left_out, "deletion": 0.5, "deletion_by_other_map": 0.125, "deletion_difference": 0.375,
        "deletion_difference_ci_low": 0.25, "deletion_difference_ci_high": 0.4375,
    }  # fmt: skip
    assert line_of(finished, "Deletion", measured) == (
        "**Deletion** (Petsiuk et al. 2018): hiding the fifth of an image where the Grad-CAM for its most probable label is "
        "strongest takes **0.500** off that label's probability, a mean over "
        f"{said} Hiding where the map of another record of that label is strongest takes 0.125: a record's own map is worth +0.375 (+0.250 to +0.438, 95 % "
        "bootstrap interval over records) beyond where such things usually are."
    )


@pytest.mark.parametrize(
    ("lost", "stage"),
    [
        ("metrics/ingest/d.json", "ingest@d"), ("metrics/eda/d.json", "eda@d"), ("data/eda/d", "eda@d"),
        ("metrics/split/d.json", "split@d"), ("data/encoded/d/labels.json", "encode_labels@d"),
        ("metrics/evaluate/net.json", "evaluate@net"), ("data/predictions/net/test.parquet", "evaluate@net"),
        ("data/predictions/net/decodings.csv", "evaluate@net"), ("metrics/ablate/half.json", "ablate@half"),
        ("data/predictions/net/decoding.json", "evaluate@net"),
        ("metrics/submission/d.json", "submission@d"), ("data/explanations/why", "explain@why"),
        ("metrics/explain/why.json", "explain@why"), ("data/explanations/why/explained.json", "explain@why"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_the_stage_that_writes_it(lost: str, stage: str, finished: Project) -> None:
    whole(finished)
    shutil.rmtree(lost) if Path(lost).is_dir() else Path(lost).unlink()
    with pytest.raises(UserError, match=rf"^{lost}\S* is missing; run `dvc repro {stage}` before the report") as error:
        finished.report()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "lacks dataset, modality"), ("[]", "lacks dataset"), ("{", "is no JSON"), ("", "is no JSON")],
)
def test_a_file_that_is_not_what_it_should_be_is_named(content: str, said: str, finished: Project) -> None:
    whole(finished)
    Path("metrics/evaluate/net.json").write_text(content)
    with pytest.raises(UserError, match=rf"metrics/evaluate/net.json {said}.*`dvc repro -f evaluate@net`"):
        finished.report()


@pytest.mark.parametrize("lost", ["metrics/ablate/half.json", "data/predictions/net/decoding.json"])
def test_a_failed_report_leaves_the_one_before(lost: str, finished: Project) -> None:
    whole(finished)
    finished.report()
    before = {path: path.read_bytes() for path in Path("reports").rglob("*") if path.is_file()}
    Path(lost).unlink()
    with pytest.raises(UserError):
        finished.report()
    assert {path: path.read_bytes() for path in Path("reports").rglob("*") if path.is_file()} == before


def test_what_the_report_depends_on_is_there_without_an_architecture_or_an_explanation() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in ("evaluate", "explain"):
        (folder,) = {str(Path(out).parent) for out in stages[stage]["do"]["outs"]}
        assert folder in stages["report"]["deps"]
        assert folder in (str(EXPLANATIONS), str(PREDICTIONS))  # which `resolve` makes


def test_the_template_of_the_plots_reads_the_columns_of_the_joined_curves(finished: Project) -> None:
    own = records()
    finished.model("a", own, finished.data(own), mixed)
    finished.curve("a", [0.1, 0.2])
    finished.report()
    columns = set(pd.read_csv("reports/curves.tsv", sep="\t"))
    encoding = json.loads((ROOT / ".dvc/plots/by_architecture.json").read_text())["encoding"]
    named = {channel["field"] for channel in encoding.values()}
    assert named - columns == {"<DVC_METRIC_X>", "<DVC_METRIC_Y>", "rev"}
    assert {"step", "valid_f1_samples"} <= columns
