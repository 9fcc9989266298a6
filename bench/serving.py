"""How many requests a server answers, how fast, and what memory it takes: against the bare forward pass, in one run.

    python -m bench.serving models/captions/resnet18_bigru --images photos/ --texts new.csv --requests 10000

The server runs as a process of its own on this machine, so that it shares its processors with whoever asks.
"""

import argparse
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multilabel import Classifier

CONCURRENCY = (1, 8, 32)
BOUNDARY = "load"
ALONE = 200  # records that the bare model reads one by one


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=Path, help="a folder")
    parser.add_argument("--texts", type=Path, help="a table with ImageID and Caption, or id and text")
    parser.add_argument("--requests", type=int, default=2000, help="for each concurrency")
    given = parser.parse_args()
    classifier = Classifier.load(given.model)
    records = examples(given, classifier.reads)
    bare(classifier, records)
    with served(given.model) as server:
        bodies = [body([record]) for record in records]
        under_load(server.port, bodies, len(bodies), 1)  # before memory is looked at: pools and caches fill
        before = memory_mb(server.process.pid)
        for concurrency in CONCURRENCY:
            under_load(server.port, bodies, given.requests, concurrency)
        print(f"memory of the server: {before:.0f} MB before, {memory_mb(server.process.pid):.0f} MB after")
    print(f"exit code of the server when told to stop: {server.process.returncode}")


@dataclass(frozen=True)
class Server:
    """`multilabel serve` on this machine."""

    process: subprocess.Popen[bytes]
    port: int


@contextmanager
def served(model: Path) -> Iterator[Server]:
    """A model that answers, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [str(Path(sys.executable).with_name("multilabel")), "serve", str(model), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait()


def examples(given: argparse.Namespace, reads: Sequence[str]) -> list[tuple[bytes | None, str | None]]:
    """The records that are asked about, again and again."""
    table = pd.read_csv(given.texts) if given.texts else None
    if table is None:
        return [(path.read_bytes(), None) for path in sorted(given.images.iterdir())]
    table.columns = ["id", "text", *table.columns[2:]]
    return [
        ((given.images / row.id).read_bytes() if "image" in reads else None, row.text if "text" in reads else None)
        for row in table.astype(str).itertuples()
    ]


def bare(classifier: Classifier, records: Sequence[tuple[bytes | None, str | None]]) -> None:
    """The model without a server: records that are decoded already, one by one and 64 at once."""
    read = [classifier.reader.read(*record) for record in records]
    classifier.predict_records(read)
    timed("forward pass, one by one", lambda number: classifier.predict_records([read[number % len(read)]]), ALONE)
    began = time.perf_counter()
    for start in range(0, len(read), 64):
        classifier.predict_records(read[start : start + 64])
    print(f"forward pass, 64 at once: {len(read) / (time.perf_counter() - began):.0f} records/s")


def under_load(port: int, bodies: Sequence[bytes], requests: int, concurrency: int) -> None:
    """So many requests of one record each, by so many clients that keep their connection."""
    share = requests // concurrency

    def client(first: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        taken = []
        for number in range(share):
            began = time.perf_counter()
            connection.request("POST", "/predict", bodies[(first + number) % len(bodies)], HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            taken.append(time.perf_counter() - began)
        return taken

    began = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        parts = list(pool.map(client, range(0, concurrency * share, max(1, share))))
    show(f"HTTP, {concurrency} at once", np.concatenate(parts), time.perf_counter() - began)


def timed(title: str, do: Callable[[int], object], number: int) -> None:
    """The times of so many calls."""
    taken, began = [], time.perf_counter()
    for place in range(number):
        start = time.perf_counter()
        do(place)
        taken.append(time.perf_counter() - start)
    show(title, np.array(taken), time.perf_counter() - began)


def show(title: str, taken: NDArray[np.floating], seconds: float) -> None:
    """One line."""
    p50, p95, p99 = np.percentile(taken * 1000, [50, 95, 99])
    print(
        f"{title}: {len(taken)} requests, {len(taken) / seconds:.0f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms"
    )


def body(records: Sequence[tuple[bytes | None, str | None]]) -> bytes:
    """Images and texts as multipart."""
    parts = []
    for image, text in records:
        if image is not None:
            head = 'Content-Disposition: form-data; name="images"; filename="a"'
            kind = "Content-Type: application/octet-stream"
            parts.append(f"--{BOUNDARY}\r\n{head}\r\n{kind}\r\n\r\n".encode() + image + b"\r\n")
        if text is not None:
            parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="texts"\r\n\r\n{text}\r\n'.encode())
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def wait_for(port: int) -> None:
    """Until it is ready; a minute at most."""
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/ready")
            if json.loads(connection.getresponse().read())["ready"]:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def memory_mb(process: int) -> float:
    """Resident, as Linux counts it."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main()
