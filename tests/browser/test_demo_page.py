"""The demo page in a browser: a picture and a caption go in, labels, bars, thresholds and reasons come out."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trained
from playwright.sync_api import expect

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

BARS = """(bars) => bars.map((bar) => [
  bar.classList.contains("given"),
  parseFloat(bar.querySelector(".fill").style.width),
  parseFloat(bar.querySelector(".mark").style.left),
])"""


@pytest.fixture(scope="module")
def demo(own_project: Path) -> Iterator[tuple[str, bytes]]:
    """The address of a server of a network that reads both, under a rule with thresholds, and of a baseline; and a picture."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(own_project)
        network, _ = trained.trained("captions", "spare", image=LOOKING, train={"decoding": {"name": "per_label"}})
        baseline, _ = trained.trained("captions", "tfidf")
        classifiers = {path.name: Classifier.load(path) for path in (network, baseline)}
        picture = trained.records_of_test("captions")[0][0]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(classifiers, ServingSettings()), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", picture
        server.should_exit = True
        thread.join(30)


def test_a_picture_and_a_caption(demo: tuple[str, bytes], page: Any) -> None:
    address, content = demo
    page.goto(address)
    expect(page.locator("#model option")).to_have_count(2)
    assert page.inner_text("#about").startswith("reads image and text; 3 labels; rule per_label")
    page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": content})
    expect(page.locator("#picture")).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#picture").is_hidden()
    page.evaluate(DROP, ["#drop", list(content)])
    expect(page.locator("#picture")).not_to_have_js_property("naturalWidth", 0)
    page.fill("#text", "rose </script><b>leaf</b>")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#labels .bar")
    values = [float(value) for value in page.locator("#labels .value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    bars = page.locator("#labels .bar").evaluate_all(BARS)
    assert len(bars) == 3
    passes = [probability >= threshold for _, probability, threshold in bars]
    assert [given for given, _, _ in bars] == (passes if any(passes) else [True, False, False])
    page.get_by_role("button", name="Explain").click()
    page.wait_for_selector("#explained figure img")
    assert page.locator("#explained figure").count() == 3
    assert page.locator("#explained img").first.evaluate("(image) => image.naturalWidth") == 24
    assert "rose" in page.locator("#explained .words span").all_inner_texts()


def test_another_model_and_what_the_server_refuses(demo: tuple[str, bytes], page: Any) -> None:
    page.goto(demo[0])
    page.select_option("#model", "tfidf")
    assert page.inner_text("#about").startswith("reads text; 3 labels; rule ")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#problem")).not_to_be_empty()
    assert page.inner_text("#problem") == "no records: send `records`, or an `image`, or a `text`"
    page.fill("#text", "rose " * 40 + "x" * 300)
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#labels .bar")
    assert page.inner_text("#problem") == ""
    assert page.locator("#labels .bar").count() == 3
