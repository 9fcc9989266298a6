"""The demo page in a browser: a picture and a caption go in, labels, bars, thresholds and reasons come out."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trained

pytest.importorskip("fastapi")
import uvicorn

from multilabel import Classifier
from multilabel.serving.app import create_app
from multilabel.serving.settings import ServingSettings

LOOKING = {"encoder": "timm/resnet10t", "size": 32, "output_stride": 8}
DROP = """([target, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
  for (const name of ["dragover", "drop"]) {
    document.querySelector(target).dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true }));
  }
}"""


@pytest.fixture
def address(tiny_dataset: str) -> Iterator[str]:
    """Of a server of a network that reads both, under a rule with thresholds, and of a baseline that reads texts."""
    decoding = {"decoding": {"name": "per_label"}}
    folders = [
        trained.trained(tiny_dataset, "spare", image=LOOKING)[0],
        trained.trained(tiny_dataset, "tfidf", train=decoding)[0],
    ]
    app = create_app({folder.name: Classifier.load(folder) for folder in folders}, ServingSettings())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join(30)


def test_a_picture_and_a_caption(address: str, tiny_dataset: str, page: Any) -> None:
    content = trained.records_of_test(tiny_dataset)[0][0]
    page.goto(address)
    page.wait_for_function("document.querySelector('#model').options.length === 2")
    assert page.inner_text("#about").startswith("reads image and text; 3 labels; rule ")
    page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": content})
    page.wait_for_function("document.querySelector('#picture').naturalWidth > 0")
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#picture").is_hidden()
    page.evaluate(DROP, ["#drop", list(content)])
    page.wait_for_function("document.querySelector('#picture').naturalWidth > 0")
    page.fill("#text", "rose </script><b>leaf</b>")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#labels .bar")
    assert page.locator("#labels .bar").count() == 3
    assert page.locator("#labels .bar.given").count() >= 1
    values = [float(value) for value in page.locator("#labels .value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    page.get_by_role("button", name="Explain").click()
    page.wait_for_selector("#explained figure img")
    assert page.locator("#explained figure").count() == 3
    assert page.locator("#explained img").first.evaluate("(image) => image.naturalWidth") == 24
    assert "rose" in page.locator("#explained .words span").all_inner_texts()


def test_another_model_its_thresholds_and_its_refusals(address: str, page: Any) -> None:
    page.goto(address)
    page.select_option("#model", "tfidf")
    assert page.inner_text("#about") == "reads text; 3 labels; rule per_label"
    page.get_by_role("button", name="Predict").click()
    page.wait_for_function("document.querySelector('#problem').textContent")
    assert page.inner_text("#problem") == "no records: send `records`, or an `image`, or a `text`"
    page.fill("#text", "rose " * 40 + "x" * 300)
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#labels .bar")
    assert page.inner_text("#problem") == ""
    bars = page.locator("#labels .bar").evaluate_all(
        "all => all.map((one) => [one.classList.contains('given'), "
        "...['.fill', '.mark'].map((part) => parseFloat(one.querySelector(part).style[part === '.fill' ? 'width' : 'left']))])"
    )
    assert len(bars) == 3
    assert all(given == (probability >= threshold) for given, probability, threshold in bars)
