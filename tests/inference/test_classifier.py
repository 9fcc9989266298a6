"""The object that people use: it says what `evaluate` says, of whatever form of input, from many threads."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import trained
from PIL import Image

from multilabel import Classifier
from multilabel.core.errors import UserError
from multilabel.core.files import read_json, write_json
from multilabel.data.dataset import load_split
from multilabel.inference.predictions import Predictions
from multilabel.models.fusions import drop_modalities
from multilabel.models.prediction import ImagePreparation


@pytest.mark.parametrize("name", trained.BLOCKS)
def test_predictions_are_those_of_evaluate(name: str, tiny_dataset: str) -> None:
    folder, expected = trained.trained(tiny_dataset, name)
    model = Classifier.load(folder)
    images, texts = trained.records_of_test(tiny_dataset)
    found = model.predict(images if "image" in model.reads else None, texts if "text" in model.reads else None)
    columns = expected[[column for column in expected if column.startswith("p_")]]
    assert np.array_equal(found.probabilities, columns.to_numpy())
    assert model.description.labels.label_sets(found.decided) == [list(labels) for labels in expected["predicted"]]


def test_nothing_loads_torch_before_a_network_does() -> None:
    code = "import sys, multilabel; multilabel.Classifier; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_image_may_be_a_path_bytes_an_array_or_pillows(tiny_dataset: str, tmp_path: Path) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "image")[0])
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    forms = [str(tmp_path / "a.png"), tmp_path / "a.png", buffer.getvalue(), picture, np.asarray(picture),
             np.asarray(picture) / 255, Image.open(tmp_path / "a.png")]  # fmt: skip
    found = model.predict(images=forms).probabilities
    assert (found == found[0]).all()
    turned = Image.open(tmp_path / "a.png")
    turned.getexif()[0x0112] = 3  # half a turn
    other = model.predict(images=[turned, picture.rotate(180)]).probabilities
    assert np.array_equal(other[0], other[1])
    grey = picture.convert("L")
    assert len(model.predict(images=[grey, np.asarray(grey), picture.convert("CMYK"), picture.convert("HSV")])) == 4


@pytest.mark.parametrize(
    ("images", "texts", "message"),
    [
        ([b"no image"], None, "record 0: undecodable image (no known image format)"),
        (["nowhere.png"], None, "record 0: nowhere.png: No such file or directory; check the path, or let `dvc repro` make what is missing"),
        ([np.zeros((3, 9, 9), np.int64)], None, "record 0: an array of shape (3, 9, 9) and type int64 is no image; give (height, width), or (height, width, 3 or 4), of uint8 or of floats in 0..1"),
        ([np.full((9, 9), 1.5)], None, "record 0: an array of shape (9, 9) and type float64 is no image; give (height, width), or (height, width, 3 or 4), of uint8 or of floats in 0..1"),
        ([Image.new("RGB", (10_000, 5_001))], None, "record 0: absurdly large image (10000 x 5001; at most 50 megapixels are read)"),
        (None, ["a text"], "record 0: has no image, and image reads nothing else; give one"),
        ([None], None, "record 0: has no image, and image reads nothing else; give one"),
        (["a", "b"], ["c"], "2 images and 1 texts are no pairs; give as many of both, None where one lacks"),
        ("a.png", None, "predict takes lists: write predict(images=[image]), predict(texts=[text])"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line(images: object, texts: object, message: str, tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "image")[0])
    with pytest.raises(UserError) as error:
        model.predict(images, texts)
    assert str(error.value) == message


@pytest.mark.parametrize("lost", ["image", "text"])
@pytest.mark.parametrize("name", ["spare", "looking"])
def test_a_missing_modality_is_what_modality_dropout_made_of_it(
    name: str, lost: str, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, name)[0])
    images, texts = trained.records_of_test(tiny_dataset)
    classifier, split = model.engine.classifier, load_split(tiny_dataset, "test")
    net = classifier.net.eval()
    batch = classifier.examples(split.inputs).batch(np.arange(len(texts)))
    pixels = ImagePreparation(classifier.settings.image, torch.device("cpu"))(batch.images)
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.full(size, 0.0 if lost == "image" else 1.0))
    with torch.no_grad():
        dropped = drop_modalities(net.image(pixels), net.text(batch.tokens, batch.mask, batch.lengths), 0.5)
        expected = net.heads[0](net.fusion(*dropped)).sigmoid().numpy()
    found = model.predict(texts=texts) if lost == "image" else model.predict(images=images)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    whole = model.predict(images, texts).probabilities
    mixed = model.predict(
        *([None, *given[1:]] if lost == kind else given for kind, given in (("image", images), ("text", texts)))
    )
    np.testing.assert_allclose(mixed.probabilities, [expected[0], *whole[1:]], atol=1e-6)
    with pytest.raises(
        UserError, match=f"record 0: has neither image nor text, and {name} reads image\\+text; give one of both"
    ):
        model.predict([None])


def test_a_pair_needs_both_where_training_had_both(tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "pair")[0])
    images, texts = trained.records_of_test(tiny_dataset)
    with pytest.raises(UserError) as error:
        model.predict(images[:2], [texts[0], None])
    assert str(error.value) == (
        "record 1: has no text, and pair was trained on records that have both; give one, or train with "
        "`fusion: {modality_dropout: 0.2}`"
    )


def test_an_ensemble_needs_what_any_member_needs(tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "stacked")[0])
    assert model.reads == ["image", "text"]
    with pytest.raises(UserError, match="record 0: has no image, and stacked was trained on records that have both"):
        model.predict(texts=["rose"])


def test_threads_share_a_classifier(tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "pair")[0])
    images, texts = trained.records_of_test(tiny_dataset)
    alone = [model.predict([image], [text]).probabilities[0] for image, text in zip(images, texts, strict=True)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i, t: model.predict([i], [t]).probabilities[0], images * 4, texts * 4))
    assert np.array_equal(np.array(found), np.array(alone * 4))


def test_a_result_knows_its_labels(tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    found = model.predict(texts=["rose", "rose leaf sea"])
    frame = found.to_pandas()
    assert list(frame) == ["labels", "p_person", "p_bicycle", "p_car"]
    assert frame["labels"].tolist() == found.labels == [list(one.labels) for one in found]
    first = found[0]
    assert list(first.probabilities) == model.labels
    assert list(first.top(2).values()) == sorted(first.probabilities.values(), reverse=True)[:2]
    assert len(model.predict(texts=[])) == 0
    assert model.predict().to_pandas().empty


def test_a_folder_that_is_no_model_is_one_line(tiny_dataset: str, tmp_path: Path) -> None:
    folder = trained.trained(tiny_dataset, "tfidf")[0]
    before = Classifier.load(folder).predict(texts=["rose"]).probabilities
    with pytest.raises(UserError) as error:
        Classifier.load("nowhere")
    assert str(error.value) == (
        "nowhere: is no model folder (it has no settings.json); name one, as in models/<dataset>/<name>, or let "
        "`dvc repro` or `dvc pull` make it"
    )
    assert read_json(folder / "format.json") == {"format": 2}
    write_json(folder / "format.json", {"format": 99})
    with pytest.raises(UserError) as error:
        Classifier.load(folder)
    assert str(error.value) == (
        f"{folder}: has format 99, and this version of multilabel reads up to 2; install a newer one"
    )
    (folder / "format.json").unlink()  # as folders of format 1 are
    assert np.array_equal(Classifier.load(folder).predict(texts=["rose"]).probabilities, before)
    write_json(folder / "settings.json", {"kind": "baseline", "name": "tfidf"})
    with pytest.raises(UserError) as error:
        Classifier.load(folder)
    assert str(error.value) == (
        f"{folder}: its settings are not those of this version of multilabel (the first is baseline.dataset); train it "
        "again with `dvc repro`, or install the version that wrote it"
    )


def test_a_row_of_predictions_does_not_name_the_labels_of_all_others() -> None:
    class Row(np.ndarray):
        read = 0

        def __getitem__(self, key: object) -> object:
            Row.read += 1
            return super().__getitem__(key)

    decided = (np.random.default_rng(0).random((50, 4)) < 0.5).astype(np.uint8)
    predictions = Predictions(list("abcd"), decided.view(Row), np.zeros((50, 4), np.float32))
    one = predictions[7]
    assert one.labels == ["abcd"[place] for place in np.flatnonzero(decided[7])]
    assert Row.read < 5
    assert [row.labels for row in predictions] == predictions.labels


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("labels.json", '{"ids": ["1"]', "{folder}: is damaged, or not whole (JSONDecodeError: Expecting ',' delimiter: line 1 column 14 (char 13)); fetch it again, or train it again with `dvc repro`"),
        ("labels.json", '{"ids": ["1"], "names": ["a"]}', "{folder}: is damaged, or not whole (RuntimeError: Error(s) in loading state_dict"),
        ("decoding.json", "{}", "{folder}: is damaged, or not whole (KeyError: 'rules'); fetch it again"),
        ("decoding.json", None, "{folder}/decoding.json: No such file or directory; check the path"),
        ("training.json", "[]", "{folder}: is damaged, or not whole (ValidationError: "),
        ("weights.safetensors", "", "{folder}: is damaged, or not whole (SafetensorError: "),
        ("tokenizer.json", "{}", "{folder}: is damaged, or not whole (Exception: "),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_one_line(file: str, content: str | None, line: str, tiny_dataset: str) -> None:
    folder = trained.trained(tiny_dataset, "bert")[0]
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(UserError) as error:
        Classifier.load(folder)
    assert str(error.value).startswith(line.format(folder=folder))
    assert "\n" not in str(error.value)
