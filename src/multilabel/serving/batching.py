"""Requests that come together are computed together: while one batch is computed, the next one gathers."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from multilabel.inference.classifier import Classifier
from multilabel.inference.examples import Example
from multilabel.inference.predictions import Prediction
from multilabel.serving.metrics import Metrics


class Busy(Exception):
    """More records wait than the server has room for."""


class Batcher:
    """The queue of one model."""

    def __init__(self, classifier: Classifier, batch: int, queue: int, metrics: Metrics) -> None:
        """At most `batch` records at once, and at most `queue` that wait."""
        self.classifier, self.batch, self.queue, self.metrics = classifier, batch, queue, metrics
        self._waiting: deque[tuple[Example, asyncio.Future[Prediction]]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=classifier.name)
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer, in the running loop."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Forget what waits; the batch that is being computed ends."""
        if self._worker is not None:
            self._worker.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def predict(self, records: Sequence[Example]) -> list[Prediction]:
        """In the order of the records; raises `Busy`. Once it is cancelled, what still waits is not computed."""
        if len(self._waiting) + len(records) > self.queue:
            raise Busy
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Prediction]] = [loop.create_future() for _ in records]
        self._waiting.extend(zip(records, futures, strict=True))
        self._count()
        self._arrived.set()
        return list(await asyncio.gather(*futures))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            chosen = [self._waiting.popleft() for _ in range(min(self.batch, len(self._waiting)))]
            if not self._waiting:
                self._arrived.clear()
            self._count()
            asked = [one for one in chosen if not one[1].done()]  # nobody waits for the others any more
            if asked:
                await self._answer(loop, asked)

    async def _answer(
        self, loop: asyncio.AbstractEventLoop, asked: list[tuple[Example, asyncio.Future[Prediction]]]
    ) -> None:
        self.metrics.batch_records.labels(self.classifier.name).observe(len(asked))
        try:
            records = [record for record, _ in asked]
            found = await loop.run_in_executor(self._thread, self.classifier.predict_records, records)
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), prediction in zip(asked, found, strict=True):
            if not future.done():
                future.set_result(prediction)

    def _count(self) -> None:
        self.metrics.waiting.labels(self.classifier.name).set(len(self._waiting))
