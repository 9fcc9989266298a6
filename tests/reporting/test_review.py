"""What a review says, read as its readers do."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from multilabel.core.errors import UserError
from multilabel.core.paths import PER_RECORD
from multilabel.metrics.per_record import per_record, write
from multilabel.metrics.predictions import f1_of_sets, mean_difference
from multilabel.reporting.review import Revision, curves, review, standing

NUMBER = 40
Said = Mapping[str, int]  # architecture -> how many of its records are right


def predictions(right: int, number: int = NUMBER, label: str = "a") -> pd.DataFrame:
    return pd.DataFrame({
        "id": [str(n) for n in range(number)], "true": [[label]] * number,
        "predicted": [[label] if n < right else [] for n in range(number)],
    })  # fmt: skip


class State:
    """A revision that is made up."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, dict[str, bytes]()
        self.trainings: dict[str, NDArray[np.floating]] = {}  # (S, N) F1 of architectures with several

    def of(self, datasets: Mapping[str, Said], valid: Mapping[str, float | None] = {}, **records: object) -> "State":
        parts = []
        for dataset, said in datasets.items():
            tables = {name: predictions(right, **records) for name, right in said.items()}  # type: ignore[arg-type]
            f1 = {name: f1_of_sets(table)[None] for name, table in tables.items()}
            parts.append(per_record(dataset, tables, f1 | self.trainings))
        write(parts, self.folder / "f1")
        self.files[str(PER_RECORD)] = (self.folder / "f1").read_bytes()
        for name, score in valid.items():
            self.files[f"metrics/evaluate/{name}.json"] = json.dumps({"valid_f1_samples": score}).encode()
        return self

    def revision(self, name: str) -> Revision:
        return Revision(name, lambda path: self.files.get(str(path)))


def said(base: State, own: State) -> list[str]:
    """The lines of a review, without empty ones."""
    text = review(base.revision("main"), own.revision("this work tree"), 200, 1)
    assert text.endswith("\n")
    return [line for line in text.splitlines() if line]


@pytest.fixture
def base(tmp_path: Path) -> State:
    old = {"rule": 20, "net": 24, "lucky": 39, "old": 3}
    return State(tmp_path).of({"photos": old}, {"rule": 0.5, "net": 0.9, "lucky": 0.7, "old": None})


def test_new_moved_unchanged_and_gone(base: State, tmp_path: Path) -> None:
    own = State(tmp_path).of({"photos": {"rule": 20, "net": 34, "lucky": 38, "new": 10, "even": 24}})
    none = "n/a (n/a to n/a) | n/a |  |"
    assert said(base, own) == [
        "| dataset | architecture | compared with | difference in test samples-F1 (95 % interval) | verdict | valid | "
        "test samples-F1 (95 % interval) | train s | changed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| `photos` | `net` | itself on `main` | +0.250 (+0.124 to +0.351) | better | 0.900 to n/a | {none}",
        f"| `photos` | `lucky` | itself on `main` | -0.025 (-0.076 to +0.000) | not distinguishable | 0.700 to n/a | {none}",
        f"| `photos` | `new` | `net`, the best of `main` on valid | -0.350 (-0.525 to -0.200) | worse | n/a | {none}",
        f"| `photos` | `even` | `net`, the best of `main` on valid | +0.000 (+0.000 to +0.000) | not distinguishable | n/a | {none}",
        "The same on every test record: `rule`.",
        "No longer there: `old`.",
    ]


def test_the_interval_is_that_of_the_report(base: State, tmp_path: Path) -> None:
    own = State(tmp_path).of({"photos": {"net": 34}})
    difference = f1_of_sets(predictions(34)) - f1_of_sets(predictions(24))
    found = mean_difference(difference, 200, 1)
    shown = f"+0.250 ({found['difference_ci_low']:+.3f} to {found['difference_ci_high']:+.3f})"
    assert shown in said(base, own)[2]


def test_records_in_another_order_are_the_same(base: State, tmp_path: Path) -> None:
    turned = State(tmp_path).of({"photos": {"net": 24}})
    table = pd.read_parquet(io.BytesIO(turned.files[str(PER_RECORD)]))
    buffer = io.BytesIO()
    table[::-1].to_parquet(buffer, index=False)
    turned.files[str(PER_RECORD)] = buffer.getvalue()
    assert said(base, turned)[0] == "The same on every test record: `net`."


def test_nothing_moved(base: State) -> None:
    assert said(base, base) == ["The same on every test record: `rule`, `net`, `lucky`, `old`."]


@pytest.mark.parametrize(
    ("records", "counts"),
    [({"number": 30}, "30 here, 40 there, 30 of them"), ({"label": "b"}, "40 here, 40 there, 0 of them"), ({"number": 1500}, "1,500 here, 40")],
)  # fmt: skip
def test_other_test_records_are_never_compared(
    records: dict[str, object], counts: str, base: State, tmp_path: Path
) -> None:
    (line,) = said(base, State(tmp_path).of({"photos": {"net": 24, "new": 3}}, **records))
    assert line.startswith(f"The test records of `photos` are not those of `main` ({counts}")
    assert line.endswith(", so nothing of it can be compared.")


def test_datasets_come_and_go(base: State, tmp_path: Path) -> None:
    assert said(base, State(tmp_path).of({"books": {"net": 1}})) == [
        "Dataset `books` is new: nothing of it can be compared.",
        "Dataset `photos` is no longer there.",
    ]


def test_the_first_time_there_is_nothing_to_compare_with(base: State, tmp_path: Path) -> None:
    sentence = "has no `reports/f1_per_record.parquet`, so no score can be compared record by record."
    assert said(State(tmp_path), base) == [f"`main` {sentence}"]
    assert said(base, State(tmp_path)) == [f"`this work tree` {sentence}"]


def test_a_base_without_scores_on_valid(tmp_path: Path) -> None:
    lines = said(State(tmp_path).of({"d": {"a": 1}}), State(tmp_path).of({"d": {"a": 1, "b": 2}}))
    assert lines[-1] == "New, and nothing of the base has a score on valid: `b`."


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}", b"version https://git-lfs.github.com/spec/v1\n"])
def test_files_that_cannot_be_read_are_named(content: bytes, base: State, tmp_path: Path) -> None:
    own = State(tmp_path)
    own.files[str(PER_RECORD)] = content
    with pytest.raises(
        UserError, match=r"^reports/f1_per_record.parquet of this work tree cannot be read; write it again with"
    ):
        said(base, own)
    base.files["metrics/evaluate/net.json"] = content
    with pytest.raises(
        UserError, match=r"^metrics/evaluate/net.json of main cannot be read; .*`dvc repro -f evaluate@net`"
    ):
        said(base, State(tmp_path).of({"photos": {"new": 3}}))


def test_another_table_in_its_place_is_named(base: State, tmp_path: Path) -> None:
    pd.DataFrame({"id": ["1"], "f1": [0.5]}).to_parquet(tmp_path / "other")
    base.files[str(PER_RECORD)] = (tmp_path / "other").read_bytes()
    with pytest.raises(UserError, match="of main cannot be read"):
        said(base, State(tmp_path).of({"photos": {"new": 3}}))


def trained(state: State, name: str, settings: dict[str, object], code: str, curve: list[float]) -> None:
    """What `resolve`, `train` and `evaluate` leave of an architecture."""
    row = {"valid_f1_samples": curve[-1], "f1_samples": 0.6, "f1_samples_ci_low": 0.5, "f1_samples_ci_high": 0.7,
           "train_seconds": 12.4, "modality": "text"}  # fmt: skip
    state.files[f"metrics/evaluate/{name}.json"] = json.dumps(row).encode()
    state.files[f"data/resolved/{name}.json"] = json.dumps(settings).encode()
    deps = [{"path": f"data/code/{name}.txt", "md5": code}, {"path": "data/raw/photos", "md5": "1"}]
    state.files["dvc.lock"] = json.dumps({"stages": {f"train@{name}": {"deps": deps}}}).encode()
    lines = [f"photos\t{name}\t{step}\t{value}" for step, value in enumerate(curve)]
    state.files["reports/curves.tsv"] = "\n".join(["dataset\tarchitecture\tstep\tvalid_f1_samples", *lines]).encode()


def test_what_changed_stands_beside_what_it_is_worth(base: State, tmp_path: Path) -> None:
    own = State(tmp_path).of({"photos": {"net": 34}})
    trained(base, "net", {"train": {"lr": 0.001, "loss": {"name": "bce"}}}, "a", [0.2, 0.5])
    trained(own, "net", {"train": {"lr": 0.0001, "loss": {"name": "bce"}}}, "b", [0.3, 0.4, 0.55])
    line = said(base, own)[2]
    assert line.endswith(
        "| better | 0.500 to 0.550 | 0.600 (0.500 to 0.700) | 12 | train.lr 0.001 -&gt; 0.0001; code |"
    )
    chart = curves(base.revision("main"), own.revision("this work tree"))
    title, axis = '    title "net: {}"\n    x-axis "epoch" 1 --> {}\n', '    y-axis "samples-F1 on valid"\n'
    assert f"{title.format('main', 2)}{axis}    line [0.2000, 0.5000]\n```" in chart  # one line would be stretched
    assert f"{title.format('this work tree', 3)}{axis}    line [0.3000, 0.4000, 0.5500]\n```" in chart
    assert curves(own.revision("a"), own.revision("b")) == "No curve moved.\n"
    trained(base, "net", {}, "a", [0.2, 0.25, 0.5])
    chart = curves(base.revision("main"), own.revision("this work tree"))
    lines = "    line [0.2000, 0.2500, 0.5000]\n    line [0.3000, 0.4000, 0.5500]\n```"
    assert f"{title.format('main, then this work tree', 3)}{axis}{lines}" in chart


def test_what_seeds_do_is_no_difference(tmp_path: Path) -> None:
    """Trainings of one network differ by more than a tenth: their means differ in every record, and by chance alone."""
    random = np.random.default_rng(0)
    of_seeds = random.normal(0.6, 0.05, size=(2, 3, 1))
    base, own = (State(tmp_path / name) for name in ("base", "own"))
    for state, seeds in zip((base, own), of_seeds, strict=True):
        state.folder.mkdir()
        state.trainings["net"] = np.clip(seeds + random.normal(0, 0.01, size=(3, NUMBER)), 0, 1)
        state.of({"photos": {"net": 0, "rule": 20}}, {"net": 0.6, "rule": 0.5})
    line = said(base, own)[2]
    assert line.startswith("| `photos` | `net` | itself on `main` |")
    assert "| not distinguishable |" in line
    own.files["data/resolved/net.json"] = json.dumps({"kind": "network"}).encode()
    base.files["data/resolved/net.json"] = b"no JSON"
    with pytest.raises(UserError, match=r"^data/resolved/net.json of main cannot be read; .*`dvc repro -f resolve`"):
        said(base, own)
    base.files.pop("data/resolved/net.json")
    alone = {"net": np.repeat(of_seeds.mean(axis=1), NUMBER, axis=1)}  # the same means, each taken for one training
    for state, mean in zip((base, own), alone["net"], strict=True):
        state.trainings["net"] = mean[None]
        state.of({"photos": {"net": 0, "rule": 20}})
    assert "| not distinguishable |" not in said(base, own)[2]


def test_one_revision_alone_is_a_short_table(tmp_path: Path) -> None:
    own = State(tmp_path).of({"photos": {"rule": 20, "net": 24}}, {"rule": 0.4})
    trained(own, "net", {}, "a", [0.5])
    lines = standing(own.revision("this work tree"), 200, 1).splitlines()
    assert lines[2] == "| `photos` | `net` | text | 0.500 | 0.600 (0.500 to 0.700) | 12 |  |  |"
    assert lines[3].startswith("| `photos` | `rule` |  | 0.400 | n/a (n/a to n/a) | n/a | -0.100 (")
    assert "run `dvc repro` first" in standing(State(tmp_path).revision("x"), 200, 1)
