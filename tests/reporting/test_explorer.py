"""The explorer holds what the models said, as text that nothing interprets, and no more than it should."""

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import image
from made_up_project import HOSTILE, Project, mixed, nothing, records, right, wrong
from PIL import Image

from multilabel.core.paths import predictions_file
from multilabel.data.records import Record, write_records
from multilabel.reporting.explored import LEAST, MOST
from multilabel.reporting.thumbnails import SIDE, small, thumbnails

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
BLOCK = re.compile(r'<script type="application/json" id="dataset-\d+">(.*?)</script>', re.DOTALL)


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project; tests add data and models."""
    monkeypatch.chdir(tmp_path)
    return Project(capsys)


def explored(finished: Project) -> tuple[str, list[dict[str, Any]]]:
    """The page and what its blocks say."""
    finished.report()
    page = Path("reports/explorer.html").read_text()
    return page, [json.loads(block) for block in BLOCK.findall(page)]


def unsure(predicted: np.ndarray) -> np.ndarray:
    """Probabilities that all differ, on the side of a half that was predicted."""
    moved = np.random.default_rng(0).uniform(0, 0.49, predicted.shape)
    return np.where(predicted, 1 - moved, moved).astype(np.float32)


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("said", [right, wrong, nothing, mixed])
def test_what_it_says_is_what_was_predicted(said: Any, images: bool, finished: Project) -> None:
    own = records(40, images, tuple("abcdef"))
    finished.model("net", own, finished.data(own), said, unsure)
    (found,) = explored(finished)[1]
    table = pd.read_parquet(predictions_file("net"))
    (model,) = found["models"]

    def names(places: list[int]) -> list[str]:
        return [found["labels"][place] for place in places]

    assert found["ids"] == table["id"].tolist()
    assert found["texts"] == [record.text for record in own]
    assert [bool(picture) for picture in found["thumbnails"]] == [images] * 40
    assert [names(places) for places in found["truth"]] == table["true"].map(list).tolist()
    assert [names(places) for places in model["given"]] == table["predicted"].map(list).tolist()
    for row, flat in enumerate(model["said"]):
        values = [table[f"p_{found['labels'][place]}"][row] for place in flat[::2]]
        assert values == sorted(values, reverse=True)
        assert flat[1::2] == [round(1000 * float(value)) for value in values]
        left_out = set(range(6)) - set(flat[::2])
        assert all(table[f"p_{found['labels'][place]}"][row] < 0.01 for place in left_out)
        assert not left_out & {*found["truth"][row], *model["given"][row]}
    assert model["thresholds"] == [0.5] * 6


def test_hostile_texts_stay_inside_their_block_and_only_its_own_script_may_run(finished: Project) -> None:
    texts = [*HOSTILE, "</script>", "<!--<script>"]
    own = [Record(f"</script>{n}", text, [text, texts[n - 1]]) for n, text in enumerate(texts)]
    labels = finished.data(own)
    finished.model("net", own, labels, mixed)
    why = {"name": "</script><b>", "probability": 0.5, "heat": None, "words": [{"text": "</script>", "weight": 1.0}]}
    finished.explanation("why", "net", {own[0].id: [why]})
    page, (found,) = explored(finished)
    assert found["texts"] == [record.text for record in own]
    assert sorted(found["labels"]) == sorted({label for record in own for label in record.labels or []})
    assert page.lower().count("<script") == page.lower().count("</script") == 2  # the block and the script
    assert "<!--" not in page
    (script,) = SCRIPT.findall(page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert f"script-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"https?://|\b(inner|outer)HTML|eval\(", script)


def test_hundreds_of_labels_take_no_more_room_than_they_need(finished: Project) -> None:
    own = records(20, labels=tuple(f"label {i}" for i in range(500)))
    own.append(Record("all", "all", [f"label {i}" for i in range(500)]))
    labels = finished.data(own)
    finished.model("unsure", own, labels, right, lambda predicted: np.full(predicted.shape, 0.4, np.float32))
    finished.model("sure", own, labels, right)
    (found,) = explored(finished)[1]
    lengths = {model["name"]: [len(flat) // 2 for flat in model["said"]] for model in found["models"]}
    assert max(lengths["unsure"][:-1]) <= MOST + 1
    assert max(lengths["sure"][:-1]) == LEAST
    assert lengths["unsure"][-1] == 500


def test_more_records_than_are_wanted_are_drawn_and_the_explained_ones_are_among_them(finished: Project) -> None:
    own = records(60)
    finished.model("net", own, finished.data(own), mixed)
    reason = [{"name": "cat", "probability": 0.9, "heat": None, "words": None}]
    finished.explanation("why", "net", {"33.jpg": reason, "57.jpg": reason})
    finished.params["report"]["explorer_records"] = 10
    (found,) = explored(finished)[1]
    assert (found["records"], len(found["ids"])) == (60, 10)
    places = [int(id.removesuffix(".jpg")) for id in found["ids"]]
    assert places == sorted(places)
    assert {33, 57} < set(places)
    explained = found["models"][0]["explained"]
    assert {found["ids"][int(place)] for place in explained} == {"33.jpg", "57.jpg"}
    assert found["texts"] == [f"text {place} of words and words" for place in places]
    assert explored(finished)[1] == [found]
    finished.params["report"]["explorer_records"] = 0
    (found,) = explored(finished)[1]
    assert found["ids"] == []
    assert [row["architecture"] for row in found["leaders"]] == ["net"]


def test_leaderboards_of_all_datasets_with_what_could_not_be_computed(finished: Project) -> None:
    own = records()
    finished.data(own, "empty")
    labels = finished.data(own)
    finished.model("rule", own, labels, mixed, baseline=True, f1_samples=0.9, map=None)
    finished.model("net", own, labels, mixed, modality="image+text")
    empty, found = explored(finished)[1]
    assert (empty["name"], empty["leaders"], empty["models"], empty["ids"]) == ("empty", [], [], [])
    assert [(row["architecture"], row["reads"], row["kind"], row["map"], row["seeds"]) for row in found["leaders"]] == [
        ("rule", "text", "baseline", None, None), ("net", "image+text", "network", 0.5, None),
    ]  # fmt: skip


def test_without_any_dataset_there_is_still_a_page(finished: Project) -> None:
    page, found = explored(finished)
    assert found == []
    assert '<select id="dataset" autocomplete="off"></select>' in page


def test_one_record_and_an_unlabelled_one_of_the_same_id(finished: Project) -> None:
    own = [Record("a", "the labelled one", ["x"])]
    labels = finished.data([Record("a", "the other", None), *own])
    finished.model("net", own, labels, right)
    (found,) = explored(finished)[1]
    assert found["texts"] == ["the labelled one"]


def test_thumbnails_are_small_upright_and_say_nothing_of_a_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    Image.new("RGB", (600, 300), "red").save(buffer, "JPEG", exif=exif)
    write_records(
        tmp_path / "r",
        [Record("a", "", None), Record("b", "", None, buffer.getvalue()), Record("c", "", None, image(["1"]))],
    )
    first, second, third = thumbnails(tmp_path / "r", [2, 0, 1])
    assert second == ""
    assert Image.open(io.BytesIO(base64.b64decode(first))).size == (24, 20)
    turned = Image.open(io.BytesIO(base64.b64decode(third)))
    assert turned.size == (SIDE // 2, SIDE)
    assert b"a camera" not in base64.b64decode(third)
    assert not turned.getexif()
    assert small(buffer.getvalue(), 60).size == (30, 60)
    assert thumbnails(tmp_path / "r", []) == []
