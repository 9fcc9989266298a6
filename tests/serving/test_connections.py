"""What only a socket sees: slow, broken and abandoned bodies, a stop, a port that is taken, and when the server is ready."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trained

pytest.importorskip("fastapi")
import uvicorn

from multilabel import Classifier
from multilabel.cli import main
from multilabel.serving.app import create_app
from multilabel.serving.listening import opened
from multilabel.serving.settings import ServingSettings

HEAD = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
PATIENCE = 60  # seconds, for a process on a busy machine


@contextmanager
def serving(classifier: Classifier, settings: ServingSettings) -> Iterator[tuple[int, uvicorn.Server]]:
    """A server in a thread, and its port."""
    app = create_app({classifier.name: classifier}, settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listening.getsockname()[1], server
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


def test_a_slow_body_is_given_up_and_a_stop_lets_answers_end(
    tiny_dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    predict = classifier.predict_records
    monkeypatch.setattr(classifier, "predict_records", lambda records: (time.sleep(0.5), predict(records))[1])
    with serving(classifier, ServingSettings(timeout=1)) as (port, server):
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(f"{HEAD}Content-Length: 99\r\n\r\n{{".encode())
            answer = slow.recv(4096) + slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the body did not arrive within 1 s" in answer
        with ThreadPoolExecutor(1) as pool:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("POST", "/predict", b'{"text": "rose"}', {"Content-Type": "application/json"})
            waiting = pool.submit(connection.getresponse)
            time.sleep(0.2)
            server.should_exit = True
            assert waiting.result().status == 200


@pytest.mark.parametrize(
    "sent", ["Content-Length: 99\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nno length\r\n"]
)
def test_a_body_that_its_sender_gives_up_is_counted_and_no_fault_of_the_server(
    sent: str, tiny_dataset: str, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = Classifier.load(trained.trained(tiny_dataset, "tfidf")[0])
    with serving(classifier, ServingSettings(timeout=5)) as (port, _):
        with socket.create_connection(("127.0.0.1", port)) as leaving:
            leaving.sendall((HEAD + sent).encode())
            time.sleep(0.3)
        deadline, page = time.monotonic() + 5, ""
        while 'path="/predict"' not in page and time.monotonic() < deadline:
            asking = http.client.HTTPConnection("127.0.0.1", port)
            asking.request("GET", "/metrics")
            page = asking.getresponse().read().decode()
            asking.close()
    assert 'multilabel_requests_total{method="POST",path="/predict",status="499"} 1.0' in page
    said = capfd.readouterr().err
    assert '"status": 499' in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_one_line(tiny_dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained.trained(tiny_dataset, "tfidf")[0])
    capsys.readouterr()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as error:
            main(["serve", folder, "--port", str(port)])
    assert (
        error.value.code
        == f"error: --host 127.0.0.1 --port {port}: address already in use; give another, or end what listens there"
    )
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_answer_waits_for_no_acknowledgement(host: str) -> None:
    for listening in opened(host, 0):
        with listening, socket.create_connection(listening.getsockname()[:2]):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_ready_is_said_once_it_listens_and_where(tiny_dataset: str) -> None:
    folder = trained.trained(tiny_dataset, "tfidf")[0]
    command = [str(Path(sys.executable).with_name("multilabel")), "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = json.loads(process.stderr.readline())
            host, _, port = said["at"][0].rpartition(":")
            asking = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
            asking.request("GET", "/ready")
            assert asking.getresponse().status == 200
            asking.close()
        finally:
            process.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in process.stderr]
    assert said | {"time": "", "at": []} == {"time": "", "event": "ready", "at": [], "models": ["tfidf"]}
    assert host == "127.0.0.1"
    assert [line["event"] for line in lines] == ["request", "stopped"]
    assert process.returncode == -signal.SIGTERM
