"""The first stage, from a source as people have it to the records that all others read."""

import errno
import importlib.util
import io
import json
import os
import sys
import tarfile
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from conftest import ROOT, image

from multilabel.core.paths import PARTIAL, boxes_file, records_file
from multilabel.data.archives import sha256_of
from multilabel.data.boxes import read_boxes
from multilabel.data.readers import Competition
from multilabel.data.records import read_images, read_records

JPEG = image(["1"])
LIMITS = {"on_bad_record": "reject", "max_megapixels": 1, "max_unpacked_gb": 1}
COLUMNS = {"id": "sku", "labels": "tags", "image": "file", "text": "words"}


def _stage() -> Any:
    spec = importlib.util.spec_from_file_location("ingest", ROOT / "src" / "ingest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingest"] = module
    spec.loader.exec_module(module)
    return module


STAGE = _stage()


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ingest(monkeypatch: pytest.MonkeyPatch, source: str, **block: Any) -> None:
    datasets = {"mine": {"format": "competition", "source": source, **block}}
    Path("params.yaml").write_text(yaml.safe_dump({"seed": 1, "ingest": LIMITS, "datasets": datasets}))
    monkeypatch.setattr(sys, "argv", ["ingest.py", "mine"])
    STAGE.run_stage(STAGE.ingest, "dataset")


def refusal(monkeypatch: pytest.MonkeyPatch, source: str, **block: Any) -> str:
    """The one line with which the stage ends."""
    with pytest.raises(SystemExit) as end:
        ingest(monkeypatch, source, **block)
    line = str(end.value.code)
    assert "\n" not in line
    assert not records_file("mine").exists()
    assert not PARTIAL.exists() or list(PARTIAL.iterdir()) == []
    return line


def competition(folder: Path, rows: int = 3, images: str = "images") -> None:
    lines = [f'{i}.jpg,1 2,"a caption"' for i in range(rows)]
    (folder / images).mkdir(parents=True)
    (folder / "train.csv").write_text("\n".join(["ImageID,Labels,Caption", *lines]) + "\n")
    for i in range(rows):
        (folder / images / f"{i}.jpg").write_bytes(image(["1", "2"], i))


def table(folder: Path, *rows: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "items.csv").write_text("\n".join(["sku,tags,file,words", *rows]) + "\n", encoding="utf-8")
    return folder / "items.csv"


def test_records_findings_and_metrics_are_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    competition(Path("source"))
    Path("source/images/2.jpg").write_bytes(JPEG[:-30])
    Path("source/test.csv").write_text('ImageID,Caption\n9.jpg,"x"\n')
    ingest(monkeypatch, "source")
    records = read_records(records_file("mine"), ["id", "image_digest", "image_mode"])
    assert records["id"].tolist() == ["0.jpg", "1.jpg", "9.jpg"]
    assert records["image_digest"].nunique() == 3
    assert read_images(records_file("mine"), [1]) == [image(["1", "2"], 1)]
    findings = pd.read_csv("data/raw/mine/findings.csv")
    assert findings[["id", "action"]].values.tolist() == [["2.jpg", "rejected"], ["9.jpg", "repaired"]]
    metrics = json.loads(Path("metrics/ingest/mine.json").read_text())
    assert [metrics[key] for key in ("records", "labelled", "unlabelled", "with_image")] == [3, 2, 1, 3]
    assert metrics["findings"] == {"repaired": 1, "rejected": 1}
    assert metrics["sha256"] == sha256_of(Path("source"))
    assert capsys.readouterr().out == (
        "mine: 2 labelled and 1 unlabelled records from source, 3 with an image, 1 repaired, 1 rejected\n"
    )


def test_boxes_stand_beside_the_records_and_change_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    competition(Path("source"))
    ingest(monkeypatch, "source")
    before, none = records_file("mine").read_bytes(), read_boxes(boxes_file("mine"))
    assert none.empty
    header = "ImageID,Label,x,y,width,height\n"
    Path("source/boxes.csv").write_text(f"{header}1.jpg,2,0.25,0,0.5,1\n0.jpg,1,0,0,9,9\n0.jpg,2,0,0,1,0.5\n")
    ingest(monkeypatch, "source")
    assert records_file("mine").read_bytes() == before
    assert read_boxes(boxes_file("mine")).values.tolist() == [
        ["0.jpg", "2", 0, 0, 1, 0.5],
        ["1.jpg", "2", 0.25, 0, 0.5, 1],
    ]
    metrics = json.loads(Path("metrics/ingest/mine.json").read_text())
    assert (metrics["boxes"], metrics["reasons"]["rejected"]) == (2, {"box is beyond the image": 1})


def test_records_stream_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    competition(Path("source"), rows=40)
    held, most = 0, 0
    read = Competition.read

    def watched(*arguments: Any):
        nonlocal held, most
        for record in read(*arguments):
            held += 1
            most = max(most, held)
            yield record

    def write(path: Path, records: Any) -> None:
        nonlocal held
        for _ in records:
            held -= 1
        path.write_bytes(b"")

    monkeypatch.setattr(Competition, "read", watched)
    monkeypatch.setattr(STAGE, "write_records", write)
    ingest(monkeypatch, "source")
    assert most == 1


def test_a_compressed_tar_and_a_link_give_what_the_folder_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    competition(Path("source"))
    with tarfile.open("source.tar.xz", "w:xz") as archive:
        archive.add("source", "x")
    Path("link").symlink_to("source")
    found = []
    for source in ("source", "source.tar.xz", "link"):
        ingest(monkeypatch, source)
        found.append(records_file("mine").read_bytes())
    assert found[0] == found[1] == found[2]
    Path("source/train.csv").unlink()
    Path("source/images").rename("source/photos")
    Path("source/images").symlink_to("photos")
    rows = [f"{i},a,images/{i}.jpg,w" for i in range(3)]
    table(Path("source"), *rows)
    ingest(monkeypatch, "source", format="table", columns=COLUMNS)
    assert json.loads(Path("metrics/ingest/mine.json").read_text())["with_image"] == 3


def test_a_table_as_source_gets_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    name = unicodedata.normalize("NFC", "été.JPG")
    path = table(Path("source"), f"1,a,images\\{name},x", "2,b,images/2.jfif,y", "3,b,../out.jpg,z")
    (path.parent / "images").mkdir()
    for file in (unicodedata.normalize("NFD", name), "2.jfif"):
        (path.parent / "images" / file).write_bytes(JPEG)
    Path("out.jpg").write_bytes(JPEG)
    ingest(monkeypatch, str(path), format="table", columns=COLUMNS)
    metrics = json.loads(Path("metrics/ingest/mine.json").read_text())
    assert (metrics["with_image"], metrics["reasons"]["rejected"]) == (2, {"image is absent": 1})


def test_where_nothing_is_left_the_reasons_are_said_and_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*(f"{i},a,images/{i}.jpg,x" for i in range(20)), *(f"e{i},,x.jpg,x" for i in range(4)), "b,b,broken.jpg,x"]
    path = table(Path("source"), *rows)
    (path.parent / "broken.jpg").write_bytes(b"hello")
    (path.parent / "1.eps").write_bytes(b"%!PS")
    line = refusal(monkeypatch, str(path), format="table", columns=COLUMNS)
    assert line == (
        "error: source/items.csv: no labelled record is left: 20 x image is absent, 4 x empty label, "
        "1 x undecodable image; mend what .cache/findings/mine.csv lists"
    )
    findings = pd.read_csv(".cache/findings/mine.csv")
    assert set(findings["where"]) == {f"items.csv:{number}" for number in range(2, 27)}
    line = refusal(monkeypatch, str(table(Path("empty"))), format="table", columns=COLUMNS)
    assert line == "error: empty/items.csv: holds no labelled record; add rows to its table"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("nowhere.zip", "error: nowhere.zip: no such file or folder; set datasets.<name>.source to an archive, folder or CSV"),
        ("/dev/zero", "error: /dev/zero: is a device, pipe or socket; set datasets.<name>.source"),
        ("/dev/urandom", "error: /dev/urandom: is a device, pipe or socket; set datasets.<name>.source"),
        ("pipe", "error: pipe: is a device, pipe or socket"),
        ("", "error: datasets.mine.source: "),
        ("x" * 5000, "error: xxxxxx"),
    ],
)  # fmt: skip
def test_a_source_that_is_none_is_one_line(monkeypatch: pytest.MonkeyPatch, source: str, line: str) -> None:
    os.mkfifo("pipe")
    assert refusal(monkeypatch, source).startswith(line)


def test_what_the_machine_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    competition(Path("source"))
    Path("data").mkdir()
    Path("data/raw").mkdir()
    Path("data/raw/mine").write_text("a file")
    assert refusal(monkeypatch, "source") == (
        "error: data/raw/mine: Not a directory; a folder belongs there; move the file out of the way"
    )
    Path("data/raw/mine").unlink()

    def full(path: Path, records: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path.name))

    with monkeypatch.context() as patch:
        patch.setattr(STAGE, "write_records", full)
        assert refusal(monkeypatch, "source") == (
            "error: records.parquet: No space left on device; free some space there and run again"
        )
    with monkeypatch.context() as patch:
        scandir = os.scandir

        def forbidden(path: Path) -> Any:
            if Path(path).name == "images":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return scandir(path)

        patch.setattr(os, "scandir", forbidden)
        assert refusal(monkeypatch, "source") == (
            "error: source/images: Permission denied; give this user access to it"
        )


def test_a_damaged_archive_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    competition(Path("source"))
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add("source", "x")
    content = buffer.getvalue()
    middle = len(content) // 2
    Path("x.tar.gz").write_bytes(content[:middle] + b"damage" + content[middle + 6 :])
    assert refusal(monkeypatch, "x.tar.gz").startswith("error: x.tar.gz: damaged tar archive (")
    assert not Path("data/raw/mine").exists()


def test_a_source_that_lies_elsewhere_is_read_as_one_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    there = tmp_path / "elsewhere" / "data"
    (there / "images").mkdir(parents=True)
    (there / "train.csv").write_text("ImageID,Labels,Caption\n1.jpg,1,a rose\n")
    (there / "images" / "1.jpg").write_bytes(JPEG)
    ingest(monkeypatch, str(there))
    here = json.loads(Path("metrics/ingest/mine.json").read_text())
    ingest(monkeypatch, f"file://{there}")
    assert json.loads(Path("metrics/ingest/mine.json").read_text()) == here
    assert here["with_image"] == 1
    assert f"fetching file://{there}" in capsys.readouterr().out
