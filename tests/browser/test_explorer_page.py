"""The explorer in a browser, from a file: it sorts, filters, shows a record, and takes hostile text as text."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import image
from made_up_project import HOSTILE, Project, mixed, records, right, wrong
from playwright.sync_api import expect

from multilabel.core.files import write_json
from multilabel.core.paths import decoding_file
from multilabel.data.records import Record
from multilabel.metrics.decoding import expected_f1
from multilabel.metrics.statistics import f1_of_label_sets
from multilabel.reporting.thumbnails import small, webp

BARS = """(bars) => bars.map((bar) => [
  bar.classList.contains("given"),
  parseFloat(bar.querySelector(".fill").style.width),
  parseFloat(bar.querySelector(".mark").style.left),
])"""


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project; tests add data and models."""
    monkeypatch.chdir(tmp_path)
    return Project(capsys)


def opened(finished: Project, page: Any) -> Any:
    finished.report()
    page.goto(Path("reports/explorer.html").resolve().as_uri())
    return page


def count(page: Any) -> str:
    return page.inner_text("#count")


def leaders(page: Any) -> list[str]:
    return page.locator("#rows td:first-child").all_inner_texts()


def fading(predicted: np.ndarray) -> np.ndarray:
    """The later a record, the less sure."""
    sure = np.linspace(0.99, 0.51, len(predicted))[:, None]
    return np.where(predicted, sure, 1 - sure).astype(np.float32)


def test_sorting_filtering_and_opening_records(finished: Project, page: Any) -> None:
    own = records(60, images=True)
    labels = finished.data(own)
    finished.model("net", own, labels, mixed, fading, f1_samples=0.8, train_seconds=100.0, modality="image+text")
    finished.model("rule", own, labels, right, f1_samples=0.7, train_seconds=9.0, baseline=True)
    finished.model("blind", own, labels, wrong, f1_samples=0.1, map=None)
    heat = webp(small(image(["1"])))
    words = [{"text": "words", "weight": 1.0}, {"text": "of", "weight": -0.5}]
    reason = {"name": "cat", "probability": 0.9, "heat": heat, "words": words}
    finished.explanation("why", "net", {"4.jpg": [reason]})
    opened(finished, page)

    assert leaders(page) == ["net", "rule", "blind"]
    page.get_by_role("button", name="train s").click()
    assert leaders(page) == ["net", "rule", "blind"]
    page.get_by_role("button", name="train s").click()
    assert leaders(page) == ["blind", "rule", "net"]
    assert page.get_attribute("th:last-child", "aria-sort") == "ascending"
    page.get_by_role("button", name="mAP").click()
    assert leaders(page)[-1] == "blind"  # of which it is not known
    page.select_option("#kind", "network")
    page.select_option("#reads", "text")
    assert leaders(page) == ["blind"]
    page.select_option("#kind", "")
    page.fill("#find", "RUL")
    assert leaders(page) == ["rule"]
    page.select_option("#reads", "")

    assert count(page) == "60 of 60 records"
    assert page.locator(".card").count() == 24
    page.select_option("#label", label="dog")
    assert count(page) == "60 of 60 records"  # true of a half, predicted of the others
    page.select_option("#role", "wrong")
    assert count(page) == "30 of 60 records"
    page.select_option("#outcome", "right")
    assert count(page) == "0 of 60 records"
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#count")).to_have_text(re.compile("^60"))
    page.select_option("#outcome", "right")
    assert count(page) == "30 of 60 records"
    page.fill("#low", "0.9")
    assert count(page) == "6 of 60 records"
    page.select_option("#order", "unlikely")
    assert "text 11 of" in page.locator(".card").first.inner_text()
    page.get_by_role("button", name="Reset").click()
    page.fill("#text", "WORDS text 31")
    assert count(page) == "1 of 60 records"
    page.fill("#text", "")
    page.check("#explained")
    assert count(page) == "1 of 60 records"
    page.locator("#rows button").first.click()  # of the rule, which is not explained
    assert page.input_value("#model") == "1"
    assert count(page) == "0 of 60 records"
    page.select_option("#model", label="net")

    picture = page.locator(".card img")
    picture.scroll_into_view_if_needed()
    expect(page.locator(".card img").first).not_to_have_js_property("naturalWidth", 0)
    page.locator(".card").focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#id") == "4.jpg"
    assert page.inner_text("#caption") == "text 4 of words and words"
    assert page.inner_text("#summary") == "net: wrong, F1 0.000; rule fixed"
    bars = page.locator("#bars .bar")
    assert [text.split() for text in bars.all_inner_texts()] == [
        ["dog", "0.957", "+", "wrong"],
        ["cat", "0.043", "\N{MINUS SIGN}", "missed"],
    ]
    assert page.locator("#bars .mark").evaluate_all("all => all.map((one) => one.style.left)") == ["50%", "50%"]
    assert page.locator("#reasons img").evaluate("(image) => image.naturalWidth") == 24
    assert page.locator("#reasons .words").inner_text() == "words of"
    assert page.locator("#record").evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
    page.select_option("#other", label="rule")
    assert page.inner_text("#summary") == "rule: right, F1 1.000; rule fixed"
    assert not page.locator("#why").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#record").is_visible()


def test_two_empty_sets_are_scored_as_everywhere_else(finished: Project, page: Any) -> None:
    own = [*records(4), Record("none.jpg", "no label at all", [])]
    finished.model("net", own, finished.data(own), right)
    opened(finished, page)
    page.fill("#text", "no label at all")
    page.locator(".card").click()
    assert page.inner_text("#summary") == "net: right, F1 0.000; rule fixed"
    assert f1_of_label_sets([[]], [[]]).tolist() == [0]


def test_where_a_rule_has_no_thresholds_a_mark_parts_what_is_given_from_the_rest(finished: Project, page: Any) -> None:
    own = records(30, labels=tuple("abcdef"))
    labels = finished.data(own)
    targets = labels.multi_hot(record.labels or [] for record in own)
    random = np.random.default_rng(0)
    probabilities = (0.6 * targets + random.uniform(0.05, 0.35, targets.shape)).astype(np.float32)
    rule = expected_f1(probabilities, targets, calibrate=True)
    decided = rule.decode(probabilities)
    finished.model("net", own, labels, lambda number, target: decided[number], lambda predicted: probabilities)
    write_json(decoding_file("net"), rule.as_json())
    opened(finished, page)
    page.locator(".card").first.click()
    for row in range(10):
        bars = page.locator("#bars .bar").evaluate_all(BARS)
        assert [given for given, _, _ in bars].count(True) == decided[row].sum()
        assert all((probability >= mark) == given for given, probability, mark in bars)
        assert len({mark for _, _, mark in bars}) == 6  # calibration moves each label by itself
        page.keyboard.press("ArrowRight")


def test_pages_and_the_keyboard(finished: Project, page: Any) -> None:
    own = records(60)
    finished.model("net", own, finished.data(own), mixed)
    opened(finished, page)
    page.get_by_role("button", name="Next").click()
    assert page.inner_text("#page") == "page 2 of 3"
    page.locator(".card").first.click()
    assert page.inner_text("#id") == "24.jpg"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#id") == "23.jpg"
    page.get_by_role("button", name="next record").click()
    assert page.inner_text("#id") == "24.jpg"
    assert page.locator("#picture").is_hidden()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Next").click()
    assert page.locator("#after").is_disabled()
    assert page.locator(".card").count() == 12
    every = "a[href], button:enabled, input:enabled, select:enabled, [tabindex]"
    reachable = page.locator(every).evaluate_all("all => all.filter((one) => one.tabIndex < 0).length")
    assert reachable == 0


def test_hostile_texts_are_text(finished: Project, page: Any) -> None:
    evil = "</script><script>document.title = 'gone'</script><img src=x onerror=alert(1)><a href='http://example.org'>x</a>"
    texts = [*HOSTILE, evil]
    own = [Record(f"{n}{evil}", text, [text, texts[n - 1]]) for n, text in enumerate(texts)]
    finished.model("net", own, finished.data(own), mixed)
    reason = {"name": evil, "probability": 0.5, "heat": None, "words": [{"text": evil, "weight": 1.0}]}
    finished.explanation("why", "net", {own[-1].id: [reason]})
    opened(finished, page)
    cards = page.locator(".card")
    shown = cards.locator(".text").all_text_contents()
    assert shown == texts
    cards.last.click()
    assert page.text_content("#caption") == evil
    assert page.text_content("#reasons figcaption") == f"{evil} 0.50"
    assert page.title() == "Multi-label classification: explorer"
    assert page.locator("main a, dialog a, #list script, #record script, #list img").count() == 0


@pytest.mark.parametrize("texts", [["a text", ""], ["", ""]])
def test_a_record_without_a_text_is_its_id_only_where_no_record_has_one(
    texts: list[str], finished: Project, page: Any
) -> None:
    own = [replace(record, text=text) for record, text in zip(records(2, images=True), texts, strict=True)]
    finished.model("net", own, finished.data(own), right)
    opened(finished, page)
    shown = page.locator(".card .text")
    assert shown.all_text_contents() == (["a text", "(no text)"] if any(texts) else ["0.jpg", "1.jpg"])
    colours = shown.evaluate_all("all => all.map((one) => getComputedStyle(one).color)")
    assert (colours[0] != colours[1]) == any(texts)


@pytest.mark.parametrize("labels", [1, 500])
def test_one_label_or_hundreds_without_images_and_captions(labels: int, finished: Project, page: Any) -> None:
    own = [Record(f"{n}", "", [f"label {i}" for i in range(n % 7 + 1) if i < labels]) for n in range(9)]
    own.append(Record("last", "", [f"label {i}" for i in range(labels)]))
    finished.model("net", own, finished.data(own), wrong if labels > 1 else right)
    opened(finished, page)
    assert count(page) == "10 of 10 records"
    assert page.locator("#explained").is_disabled()
    page.locator(".card").first.click()
    assert page.locator("#bars .bar").count() == labels
    page.locator("#close").click()
    page.select_option("#outcome", "wrong")
    assert count(page) == f"{10 if labels > 1 else 0} of 10 records"


def test_nothing_to_show_is_said(finished: Project, page: Any) -> None:
    own = records()
    finished.data(own, "empty")
    finished.model("net", own, finished.data(own), mixed)
    opened(finished, page)
    assert page.locator("#nothing").is_visible()
    assert not page.locator("#browse").is_visible()
    page.select_option("#dataset", label="d")
    assert leaders(page) == ["net"]
    assert count(page) == "8 of 8 records"
    finished.params["datasets"], finished.params["architectures"] = {}, {}
    opened(finished, page)
    assert not page.locator("#results").is_visible()


def test_a_thousand_records(finished: Project, page: Any) -> None:
    own = records(1000, images=True)
    finished.model("net", own, finished.data(own), mixed)
    finished.report()
    file = Path("reports/explorer.html").resolve()
    began = time.perf_counter()
    page.goto(file.as_uri())
    assert count(page) == "1,000 of 1,000 records"
    seconds = time.perf_counter() - began
    print(f"{file.stat().st_size / 2**20:.1f} MB with 1,000 records opened in {seconds:.2f} s")
    assert page.locator("img[src]").count() < 50  # pictures are made when they come into view
