"""Requests that no page would send: each is answered, or refused in one line, and the server goes on."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trained
from conftest import image
from fuzzing import damaged, of_json, texts, within_patience
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from multilabel import Classifier
from multilabel.core.errors import LONGEST
from multilabel.serving.app import create_app
from multilabel.serving.settings import ServingSettings

REFUSED = {400, 404, 405, 413, 415, 422}
PICTURE = image(["1"])
JSON = {"content-type": "application/json"}
BOUNDARY = b"b"
FORM = {"content-type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def client(own_project: Path) -> Iterator[TestClient]:
    """A server of a model that reads texts, and of one that reads images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(own_project)
        models = [Classifier.load(trained.trained("captions", name)[0], max_megapixels=1) for name in ("rule", "image")]
        settings = ServingSettings(max_mb=0.1, max_records=4, max_megapixels=1)
        with TestClient(create_app({one.name: one for one in models}, settings), raise_server_exceptions=True) as found:
            yield found


def assert_answered(client: TestClient, body: bytes, headers: dict[str, str], path: str = "/predict") -> None:
    with within_patience():
        answer = client.post(path, content=body, headers=headers)
    if answer.status_code in REFUSED and "detail" in answer.json():
        detail = answer.json()["detail"]
        assert isinstance(detail, str)
        assert "\n" not in detail
        assert 0 < len(detail) <= LONGEST
    else:
        assert answer.status_code in (200, 422)
        said = answer.json()
        if path == "/predict":
            for one in said["predictions"]:
                assert ("problem" in one) != ("labels" in one)
            assert any("labels" in one for one in said["predictions"]) == (answer.status_code == 200)


pictures = (st.just(PICTURE) | damaged(PICTURE)).map(lambda content: base64.b64encode(content).decode())
readable = st.fixed_dictionaries({}, optional={"image": pictures, "text": texts})
records = st.fixed_dictionaries({}, optional={"image": pictures | texts | of_json, "text": texts | of_json})
asked = st.fixed_dictionaries({}, optional={
    "records": st.lists(records, max_size=5) | of_json, "image": pictures | texts,
    "text": texts, "model": st.sampled_from(["rule", "image"]) | texts, "top": st.integers() | of_json,
    "labels": st.lists(texts, max_size=2) | of_json})  # fmt: skip


@given(st.sampled_from(["/predict", "/predict", "/explain"]), asked | of_json)
def test_any_json_is_answered(client: TestClient, path: str, body: object) -> None:
    assert_answered(client, json.dumps(body).encode(), JSON, path)


@given(st.lists(readable, min_size=1, max_size=4), st.sampled_from(["rule", "image"]))
def test_each_record_has_labels_or_a_problem(client: TestClient, body: list, model: str) -> None:
    with within_patience():
        answer = client.post("/predict", json={"model": model, "records": body})
    assert answer.status_code in (200, 422)
    assert len(answer.json().get("predictions", [])) == len(body)


@given(
    st.binary(max_size=200) | of_json.map(json.dumps).map(str.encode).flatmap(damaged),
    st.sampled_from([JSON, FORM, {}]),
)
def test_any_bytes_are_answered(client: TestClient, body: bytes, headers: dict[str, str]) -> None:
    assert_answered(client, body, headers)


parts = st.lists(
    st.tuples(
        st.sampled_from(["images", "texts", "model", "top", "labels", "file"]) | texts,
        st.none() | st.just("a.jpg") | texts,
        st.just(PICTURE)
        | damaged(PICTURE)
        | st.sampled_from([b"rule", b"image", b"1", b"-1", b"9" * 50])
        | texts.map(str.encode),
    ),
    max_size=6,
)


@given(parts, st.data())
def test_any_form_is_answered(
    client: TestClient, form: list[tuple[str, str | None, bytes]], data: st.DataObject
) -> None:
    body = b""
    for name, file, content in form:
        told = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
        body += b"--b\r\n" + told.encode() + b"\r\n\r\n" + content + b"\r\n"
    body += b"--b--\r\n"
    assert_answered(client, body, FORM)
    assert_answered(client, data.draw(damaged(body)), FORM)


@given(st.dictionaries(st.sampled_from(["content-type", "content-length", "transfer-encoding", "x"]),
                       st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
                       | st.sampled_from(["9" * 5000, "multipart/form-data; boundary=" + "b" * 300, "multipart/form-data"])))  # fmt: skip
def test_any_headers_are_answered(client: TestClient, headers: dict[str, str]) -> None:
    assert_answered(client, b'{"text": "rose"}', {name: value.encode("latin-1") for name, value in headers.items()})
