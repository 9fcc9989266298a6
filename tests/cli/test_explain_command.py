"""`multilabel explain`: one page or one picture, of what a network reads, for the labels that were asked for."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trained
from PIL import Image

from multilabel import Classifier
from multilabel.cli import SUBCOMMANDS, main
from multilabel.core.errors import UserError
from multilabel.reporting.why import raw, why

CONVOLUTIONS = {"image": {"encoder": "timm/resnet10t", "size": 32, "output_stride": 8}}


def test_a_page_shows_heat_and_words(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trained.trained(tiny_dataset, "spare", **CONVOLUTIONS)[0]
    images, texts = trained.records_of_test(tiny_dataset)
    for number, content in enumerate(images[:3]):
        Path(f"{number}.jpg").write_bytes(content)
    pictures = [f"{number}.jpg" for number in range(3)]
    said = [word for text in ("<b>rose</b>", *texts[1:3]) for word in ("--text", text)]
    main(["explain", str(folder), "--images", *pictures, *said, "--top", "2", "--most", "2"])
    assert capsys.readouterr().out == "why.html: 2 records explained, 1 more were not asked for (--most)\n"
    text = Path("why.html").read_text()
    assert text.count("<article>") == 2
    assert text.count('src="data:image/png;base64,') == 2 * (1 + 2)
    assert "&lt;b&gt;rose&lt;/b&gt;" in text
    assert "<b>" not in text
    assert not re.search(r"https?://", text)
    assert text.count('<div class="words">') == 4


def test_a_picture_holds_all(tiny_dataset: str) -> None:
    folder = trained.trained(tiny_dataset, "spare", **CONVOLUTIONS)[0]
    images, _ = trained.records_of_test(tiny_dataset)
    Path("a.jpg").write_bytes(images[0])
    for name, arguments in {
        "both": ["--images", "a.jpg", "--text", "rose"],
        "image": ["--images", "a.jpg"],
        "text": ["--text", "rose"],
    }.items():
        main(["explain", str(folder), *arguments, "--out", f"{name}.png", "--labels", "car"])
    heights = {name: Image.open(f"{name}.png").height for name in ("both", "image", "text")}
    assert heights["both"] == heights["image"] + heights["text"]


def test_a_name_that_is_no_utf_8_is_escaped(tiny_dataset: str) -> None:
    folder = trained.trained(tiny_dataset, "image")[0]
    name = os.fsdecode(b"caf\xe9.jpg")
    Path(name).write_bytes(trained.records_of_test(tiny_dataset)[0][0])
    main(["explain", str(folder), "--images", name])
    assert "caf\\udce9.jpg" in Path("why.html").read_text()


def test_explanations_are_of_the_labels_that_are_predicted(tiny_dataset: str) -> None:
    model = Classifier.load(trained.trained(tiny_dataset, "spare", **CONVOLUTIONS)[0])
    images, texts = trained.records_of_test(tiny_dataset)
    expected = model.predict(images[:1], texts[:1])[0].top(2)
    found = why(model, "a", images[0], texts[0], 2)
    assert [label.name for label in found.labels] == list(expected)
    np.testing.assert_allclose([label.probability for label in found.labels], list(expected.values()), atol=1e-6)
    assert max(abs(word.weight) for word in found.labels[0].words or []) == pytest.approx(1)
    assert " ".join(word.text for word in found.labels[0].words or []).split()[0] in ("rose", "leaf", "sea", "[UNK]")
    assert raw(model, None, texts[0], 2).heat is None
    assert raw(model, images[0], None, 2).words is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--text", "a", "--out", "a.gif"],
            "--out a.gif: is neither HTML nor PNG; name a file that ends in .html or .png",
        ),
        (["--text", "a"], "nothing could be explained"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, tiny_dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained.trained(tiny_dataset, "tfidf")[0]
    with pytest.raises(SystemExit) as error:
        main(["explain", str(folder), *arguments])
    assert error.value.code == f"error: {message}"
    if "a.gif" not in arguments:
        assert (
            "tfidf is no single network under torch, and only those are explained; name one" in capsys.readouterr().err
        )


@pytest.mark.parametrize(
    ("members", "named"),
    [(["tfidf", "image", "pair"], "one of its members, by a folder of its own: image, pair"), (["tfidf"], "one")],
)
def test_instead_of_an_ensemble_its_own_networks_are_named(members: list[str], named: str, tiny_dataset: str) -> None:
    settings = trained.resolved(tiny_dataset, "stacked", ensemble={"members": members}).model
    model = SimpleNamespace(name="stacked", engine=None, description=SimpleNamespace(settings=settings))
    with pytest.raises(UserError) as error:
        raw(model, None, "a", 1)  # type: ignore[arg-type]
    said = "stacked is no single network under torch, and only those are explained; name "
    assert str(error.value) == said + named


@pytest.mark.parametrize("subcommand", [subcommand.name for subcommand in SUBCOMMANDS])
def test_help_prints_a_percent_sign_once(subcommand: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([subcommand, "--help"])
    assert "%%" not in capsys.readouterr().out


@pytest.mark.parametrize("argument", ["--top", "--most"])
@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_numbers_are_1_at_least(argument: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["explain", "models/x", "--text", "a", argument, value])
    assert error.value.code == 2
    assert f"error: argument {argument}: {value!r} is not a number of 1 at least\n" in capsys.readouterr().err
