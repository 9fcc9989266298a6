"""The server answers what the classifier says, and refuses in one line what it will not take."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import trained
from PIL import Image

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from multilabel import Classifier
from multilabel.cli import main
from multilabel.core.errors import UserError
from multilabel.inference.examples import Example, ExampleReader
from multilabel.reporting.why import Why
from multilabel.serving.app import create_app, names_of
from multilabel.serving.settings import ServingSettings

LIMITS = ServingSettings(max_mb=0.2, max_records=3, max_megapixels=1, max_characters=1000, timeout=5)
PATIENT = ServingSettings(timeout=60)  # the first explanation imports captum
FORM = {"content-type": "multipart/form-data; boundary=b"}


def client_of(*classifiers: Classifier, settings: ServingSettings = LIMITS) -> TestClient:
    return TestClient(create_app({one.name: one for one in classifiers}, settings))


@pytest.fixture
def texts_only(tiny_dataset: str) -> Iterator[tuple[TestClient, Classifier]]:
    """A server of a model that reads texts."""
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    with client_of(classifier) as client:
        yield client, classifier


def test_answers_are_what_the_classifier_says(tiny_dataset: str) -> None:
    pair, rule = (Classifier.load(trained.trained(tiny_dataset, name)[0]) for name in ("pair", "rule"))
    images, texts = trained.records_of_test(tiny_dataset)
    known = pair.predict(images[:2], texts[:2])
    body = [{"image": base64.b64encode(i).decode(), "text": t} for i, t in zip(images[:2], texts[:2], strict=True)]
    files = [("images", ("a.jpg", image)) for image in images[:2]]
    with client_of(pair, rule) as client:
        answers = [
            client.post("/predict", json={"records": body}),
            client.post("/predict", files=files, data={"texts": texts[:2], "model": "pair"}),
        ]
        single = client.post("/predict", json={**body[0], "top": 1}).json()
        other = client.post("/predict", json={"model": "rule", "text": texts[0]}).json()
        listed = client.get("/models").json()
    for answer in answers:
        assert answer.status_code == 200
        for row, said in enumerate(answer.json()["predictions"]):
            assert said["labels"] == known.labels[row]
            np.testing.assert_allclose(list(said["probabilities"].values()), known.probabilities[row], atol=1e-6)
            assert list(said["probabilities"]) == pair.labels
    assert list(single["predictions"][0]["probabilities"]) == list(known[0].top(1))
    assert other["model"] == "rule"
    assert [(model["name"], model["reads"], model["needs"]) for model in listed] == [
        ("pair", ["image", "text"], ["image", "text"]), ("rule", ["text"], ["text"]),
    ]  # fmt: skip


def test_what_cannot_be_read_does_not_take_the_others_with_it(tiny_dataset: str) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "image")[0], max_megapixels=LIMITS.max_megapixels)
    good = base64.b64encode(trained.records_of_test(tiny_dataset)[0][0]).decode()
    Image.new("L", (1200, 1000)).save("large.png")
    large = base64.b64encode(Path("large.png").read_bytes()).decode()
    with client_of(classifier) as client:
        answer = client.post("/predict", json={"records": [{"image": "aGVsbG8="}, {"image": good}, {"image": large}]})
        assert answer.status_code == 200
        first, second, third = answer.json()["predictions"]
        assert first == {"problem": "undecodable image (no known image format)"}
        assert second["labels"]
        assert third == {"problem": "absurdly large image (1200 x 1000; at most 1 megapixels are read)"}
        assert client.post("/predict", json={"image": "aGVsbG8="}).status_code == 422
        assert client.post("/predict", json={"text": "a"}).json()["predictions"] == [
            {"problem": "has no image, and image reads nothing else; give one"}
        ]


@pytest.mark.parametrize(
    ("status", "detail", "request_"),
    [
        (400, "body: Invalid JSON: EOF while parsing an object at line 1 column 1", {"content": b"{", "headers": {"content-type": "application/json"}}),
        (400, "body.txt: Extra inputs are not permitted", {"json": {"txt": "a"}}),
        (400, "body.top: Input should be greater than or equal to 0", {"json": {"text": "a", "top": -1}}),
        (400, "record 0: its image is no base64", {"json": {"image": "*"}}),
        (400, "body: has `records` and an `image` or `text` beside; send one of both", {"json": {"records": [], "text": "a"}}),
        (400, "multipart body: unknown field 'file'; use images, labels, model, texts, top", {"files": {"file": b"a"}}),
        (400, "multipart body: `images` must be files; give each a filename", {"files": {"x": ""}, "data": {"images": "a"}}),
        (400, "2 images and 1 texts are no pairs; send as many of both", {"files": [("images", ("a", b"a"))] * 2, "data": {"texts": "a"}}),
        (400, "multipart body: a file of `texts` is no UTF-8 (byte 3); save it as UTF-8", {"files": {"texts": ("a.txt", "café".encode("latin-1"))}}),
        (400, "multipart body: `model` is a file; send it as a value, without a filename", {"files": {"model": b"tfidf"}, "data": {"texts": "a"}}),
        (400, "multipart body: `top` is a file; send it as a value, without a filename", {"files": {"top": b"1"}, "data": {"texts": "a"}}),
        (400, "multipart body: ends before its closing boundary; send it again, whole", {"content": b'--b\r\nContent-Disposition: form-data; name="texts"\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; name="texts"\r\n\r\nb', "headers": FORM}),
        (400, "multipart body: ends before its closing boundary; send it again, whole", {"content": b"", "headers": FORM}),
        (404, "no model 'nine'; choose one of: tfidf", {"json": {"model": "nine", "text": "a"}}),
        (404, "no model 'nine\\nlives'; choose one of: tfidf", {"json": {"model": "nine\nlives", "text": "a"}}),
        (413, "a body of 9999999999999999 bytes, at most 209715 are read", {"content": b"a", "headers": {"content-type": "application/json", "content-length": "9" * 16}}),
        (413, "4 records, at most 3 in a request; send several", {"json": {"records": [{"text": "a"}] * 4}}),
        (413, "a body of 300011 bytes, at most 209715 are read", {"json": {"text": "a" * 300_000}}),
        (413, "a body of more than 209715 bytes", {"content": (b"a" * 1000 for _ in range(300)), "headers": {"content-type": "application/json"}}),
        (415, "content-type text/plain: send application/json or multipart/form-data", {"content": b"a", "headers": {"content-type": "text/plain"}}),
        (422, "no records: send `records`, or an `image`, or a `text`", {"json": {}}),
    ],
)  # fmt: skip
def test_malformed_requests_are_refused_in_one_line(
    status: int, detail: str, request_: dict, texts_only: tuple[TestClient, Classifier]
) -> None:
    if request_.get("files") == {"x": ""}:
        request_ = {
            "content": b'--b\r\nContent-Disposition: form-data; name="images"\r\n\r\na\r\n--b--\r\n',
            "headers": FORM,
        }
    answer = texts_only[0].post("/predict", **request_)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert texts_only[0].post("/predict", json={"text": "rose"}).status_code == 200


def test_texts_and_labels_sent_as_files_are_read(
    texts_only: tuple[TestClient, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, classifier = texts_only
    files = [("texts", ("caption.txt", "\ufeffrose leaf\r\n".encode())), ("texts", ("other.txt", b"sea"))]
    assert client.post("/predict", files=files).json() == client.post("/predict", json={"records": [{"text": "rose leaf"}, {"text": "sea"}]}).json()  # fmt: skip
    seen = []
    monkeypatch.setattr(classifier.reader, "read", lambda image, text: seen.append(text) or ExampleReader.read(classifier.reader, image, text))  # fmt: skip
    client.post("/predict", files=files)
    assert seen == ["rose leaf", "sea"]
    explained = _explained(monkeypatch)
    client.post("/explain", files=[("texts", ("a.txt", b"rose")), ("labels", ("b.txt", b"car\n"))])
    assert explained == [["car"]]


def _explained(monkeypatch: pytest.MonkeyPatch, seconds: float = 0) -> list[list[str]]:
    """Of each explanation from now on, which takes so long, the labels that it is asked for."""
    asked = []

    def why(classifier: Classifier, id: str, image: bytes, text: str, number: int, labels: list[str]) -> Why:
        asked.append(labels)
        time.sleep(seconds)
        return Why(id, None, text, [], "")

    monkeypatch.setattr("multilabel.reporting.why.why", why)
    return asked


def test_a_label_is_explained_once_however_often_it_is_named(
    texts_only: tuple[TestClient, Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = _explained(monkeypatch)
    assert texts_only[0].post("/explain", json={"text": "a", "labels": ["dog", "car", "dog"] * 999}).status_code == 200
    assert explained == [["dog", "car"]]


def test_decoding_and_explaining_count_as_time_of_the_answer(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    read, seen = classifier.reader.read, []

    def slow(image: bytes | None, text: str | None) -> Example:
        seen.append(text)
        time.sleep(0.4)
        return read(image, text)

    monkeypatch.setattr(classifier.reader, "read", slow)
    _explained(monkeypatch, seconds=1)
    with client_of(classifier, settings=ServingSettings(timeout=0.2)) as client:
        answers = [
            client.post("/predict", json={"records": [{"text": "rose"}] * 20}),
            client.post("/explain", json={"text": "rose"}),
        ]
    for answer in answers:
        assert (answer.status_code, answer.json()["detail"]) == (504, "no answer within 0.2 s")
    assert len(seen) <= 1  # what nobody waits for is not read to its end


def test_a_long_text_is_a_problem_where_texts_are_read(tiny_dataset: str) -> None:
    tfidf, image = (Classifier.load(trained.trained(tiny_dataset, name)[0]) for name in ("tfidf", "image"))
    picture = base64.b64encode(trained.records_of_test(tiny_dataset)[0][0]).decode()
    problem, long = "absurdly long text (1001 characters; at most 1000 are read)", "é" * 1001
    with client_of(tfidf, image) as client:
        answer = client.post("/predict", json={"records": [{"text": long}, {"text": long[1:]}]}).json()
        assert answer["predictions"][0] == {"problem": problem}
        assert answer["predictions"][1]["labels"]
        assert client.post("/predict", json={"text": long}).status_code == 422
        assert client.post("/explain", json={"text": long}).json() == {"detail": problem}
        passed_over = client.post("/predict", json={"model": "image", "image": picture, "text": long})
        assert passed_over.json()["predictions"][0]["labels"]


def test_more_records_than_the_queue_holds_are_too_many_and_not_refused_for_ever(tiny_dataset: str) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    with client_of(classifier, settings=ServingSettings(queue=2)) as client:
        answer = client.post("/predict", json={"records": [{"text": "rose"}] * 3})
        assert (answer.status_code, answer.json()["detail"]) == (413, "3 records, at most 2 in a request; send several")
        assert client.post("/predict", json={"records": [{"text": "rose"}] * 2}).status_code == 200


@pytest.mark.parametrize("long", ["a" * 5000, "\n" * 400])
def test_what_a_refusal_repeats_is_cut(long: str, texts_only: tuple[TestClient, Classifier]) -> None:
    refused = [
        texts_only[0].post("/predict", json={long: "a"}),
        texts_only[0].post("/predict", content=b"a", headers={"content-type": "9" * 5000}),
        texts_only[0].post(
            "/predict", content=b"a", headers={"content-length": "9" * 5000, "content-type": "application/json"}
        ),
        texts_only[0].post("/predict", files={"x" * 5000: b"a"}),
    ]
    for answer in refused:
        assert answer.status_code in (400, 413, 415)
        assert len(answer.json()["detail"]) <= 500
        assert "\n" not in answer.json()["detail"]


def test_requests_that_come_together_are_computed_together(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    sizes, predict = [], classifier.predict_records

    def slow(records: list) -> object:
        sizes.append(len(records))
        time.sleep(0.2)
        return predict(records)

    monkeypatch.setattr(classifier, "predict_records", slow)
    with client_of(classifier) as client, ThreadPoolExecutor(12) as pool:
        texts = ["rose", "leaf", "sea"] * 4
        found = list(pool.map(lambda text: client.post("/predict", json={"text": text}).json(), texts))
        page = client.get("/metrics").text
    alone = classifier.predict(texts=texts)
    assert [answer["predictions"][0]["labels"] for answer in found] == alone.labels
    assert sum(sizes[:-1]) == 12
    assert max(sizes) > 1
    assert 'multilabel_records_total{model="tfidf"} 12.0' in page
    assert 'multilabel_requests_total{method="POST",path="/predict",status="200"} 12.0' in page


@pytest.mark.parametrize(
    ("limits", "expected"), [({"queue": 2, "batch": 1}, 429), ({"max_requests": 1}, 429), ({"timeout": 0.2}, 504)]
)
def test_a_busy_server_says_so_and_recovers(
    limits: dict, expected: int, tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    free, predict = threading.Event(), classifier.predict_records

    def held(records: list) -> object:
        free.wait(10)
        return predict(records)

    monkeypatch.setattr(classifier, "predict_records", held)
    with client_of(classifier, settings=ServingSettings(**limits)) as client, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.post, "/predict", json={"text": "rose"}) for _ in range(8)]
        deadline = time.monotonic() + 5
        while not any(one.done() for one in asked) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.get("/health").status_code == 200
        free.set()
        answers = [one.result() for one in asked]
        assert expected in {answer.status_code for answer in answers}
        if expected == 429:
            assert next(a for a in answers if a.status_code == 429).headers["retry-after"] == "1"
        assert client.post("/predict", json={"text": "rose"}).status_code == 200


def test_explanations(tiny_dataset: str) -> None:
    network = Classifier.load(
        trained.trained(tiny_dataset, "spare", image={"encoder": "timm/resnet10t", "size": 32, "output_stride": 8})[0]
    )
    rule = Classifier.load(trained.trained(tiny_dataset, "rule")[0])
    image = trained.records_of_test(tiny_dataset)[0][0]
    with client_of(network, rule, settings=PATIENT) as client:
        found = client.post(
            "/explain", files={"images": ("a.jpg", image)}, data={"texts": "rose leaf", "top": "2"}
        ).json()
        assert len(found["labels"]) == 2
        assert base64.b64decode(found["labels"][0]["heat"]).startswith(b"\x89PNG")
        assert [word["text"] for word in found["labels"][0]["words"]] == ["rose", "leaf"]
        chosen = client.post("/explain", json={"text": "rose", "labels": ["car"]}).json()
        assert [label["name"] for label in chosen["labels"]] == ["car"]
        refused = client.post("/explain", json={"text": "rose", "model": "rule"})
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("rule is no single network under torch")
        assert client.post("/explain", json={"records": [{"text": "a"}] * 2}).status_code == 413


def test_pages_and_operation(texts_only: tuple[TestClient, Classifier], capsys: pytest.CaptureFixture[str]) -> None:
    client, _ = texts_only
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"ready": True}
    for path in ("/", "/demo.js", "/demo.css", "/parts.js", "/parts.css", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http://" not in answer.text
        assert "https://" not in answer.text
    assert "script-src 'self'" in client.get("/").headers["content-security-policy"]
    described = client.get("/openapi.json").json()["paths"]
    assert set(described["/predict"]["post"]["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert client.get("/nowhere").status_code == 404
    for method in ("BREW", "X" * 900):
        assert client.request(method, "/predict").status_code == 405
    metrics = client.get("/metrics").text
    assert 'path="other",status="404"' in metrics
    assert 'multilabel_requests_total{method="other",path="/predict",status="405"} 2.0' in metrics
    assert "BREW" not in metrics
    client.post("/predict", json={"text": "rose"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert lines[-1] | {"time": 0, "ms": 0} == {
        "time": 0, "event": "request", "method": "POST", "path": "/predict", "status": 200, "ms": 0,
        "model": "tfidf", "records": 1, "problems": 0,
    }  # fmt: skip


def test_it_is_ready_only_while_it_runs(tiny_dataset: str) -> None:
    app = create_app({"tfidf": Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])}, LIMITS)
    assert TestClient(app).get("/ready").status_code == 503
    with TestClient(app) as client:
        assert client.get("/ready").status_code == 200
    assert TestClient(app).get("/ready").status_code == 503


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ("--max-mb -1", "--max-mb: expected a number greater than 0, got -1.0; give another"),
        ("--batch 0", "--batch: expected a number greater than or equal to 1, got 0; give another"),
        ("--max-characters 2000000", "--max-characters: expected a number less than or equal to 1000000, got 2000000; give another"),
        ("--port 99999", "--port: expected 0 (any free one) to 65535, got 99999; give another number"),
        ("--port -1", "--port: expected 0 (any free one) to 65535, got -1; give another number"),
        ("--host no.such.invalid", "--host: 'no.such.invalid' is no address and no name of one; give one, such as 127.0.0.1"),
    ],
)  # fmt: skip
def test_flags_out_of_their_range_are_one_line(flags: str, line: str) -> None:
    with pytest.raises(SystemExit) as error:
        main(["serve", "model", *flags.split()])
    assert error.value.code == f"error: {line}"


def test_mistakes_of_the_command_are_one_line(tiny_dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(trained.trained(tiny_dataset, "tfidf")[0])
    with pytest.raises(UserError, match="are both called tfidf; rename one of them"):
        names_of([Path(folder), Path(folder)])
    monkeypatch.setattr("multilabel.cli.serve.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as error:
        main(["serve", folder])
    assert (
        error.value.code
        == "error: serve needs fastapi, uvicorn, python-multipart, prometheus-client; `pip install -r requirements-serve.txt`"
    )
