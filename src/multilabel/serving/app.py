"""The server: which paths there are, and what each answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.requests import ClientDisconnect

from multilabel.core.errors import UserError, one_line
from multilabel.inference.classifier import Classifier
from multilabel.inference.examples import Example
from multilabel.inference.images import UnreadableInput
from multilabel.inference.predictions import Prediction
from multilabel.reporting import parts
from multilabel.serving.batching import Batcher, Busy
from multilabel.serving.logs import log
from multilabel.serving.metrics import Metrics
from multilabel.serving.reference import reference
from multilabel.serving.requests import Asked, PredictBody, read_request
from multilabel.serving.settings import ServingSettings

PAGE = Path(__file__).with_name("demo.html")
SCRIPT = Path(__file__).with_name("demo.js")
STYLE = Path(__file__).with_name("demo.css")
ONLY_OWN = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'"
EXPLAINED = 3  # labels
DECODING = 40  # requests whose images are decoded at the same time: more than cores, so that small ones pass large ones
GONE = 499  # whoever asked did not wait for the answer
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": PredictBody.model_json_schema(ref_template="#/components/schemas/{model}")},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "texts": {"type": "array", "items": {"type": "string"}},
                        "model": {"type": "string"},
                        "top": {"type": "integer"},
                        "labels": {"type": "array", "items": {"type": "string"}},
                    },
                }
            },
        },
    }
}


class Server:
    """Models, their queues, and what has been counted."""

    def __init__(self, classifiers: Mapping[str, Classifier], settings: ServingSettings) -> None:
        """By the names under which requests ask for them; the first one is asked for by default."""
        self.classifiers, self.settings, self.metrics = classifiers, settings, Metrics()
        self.batchers: dict[str, Batcher] = {}
        self.decoding: ThreadPoolExecutor
        self.explaining: ThreadPoolExecutor
        self.requests = 0  # in progress
        self.ready = False

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Ready from start to stop."""
        for name, classifier in self.classifiers.items():
            self.batchers[name] = Batcher(classifier, self.settings.batch, self.settings.queue, self.metrics)
            self.batchers[name].start()
        with ThreadPoolExecutor(DECODING) as self.decoding, ThreadPoolExecutor(1) as self.explaining:
            self.ready = True
            yield
            self.ready = False
        for batcher in self.batchers.values():
            await batcher.stop()
        log("stopped")

    def choose(self, name: str | None) -> str:
        """The name of a model."""
        if name is None:
            return next(iter(self.classifiers))
        if name not in self.classifiers:
            raise HTTPException(404, f"no model {name[:60]!r}; choose one of: {', '.join(self.classifiers)}")
        return name

    async def read(self, request: Request) -> Asked:
        """What a request asks, if there is room for one more."""
        if self.requests > self.settings.max_requests:
            raise HTTPException(429, "too many requests at once; try again", {"Retry-After": "1"})
        return await read_request(request, self.settings)

    async def predict(self, request: Request) -> Response:
        """Of each record its labels and probabilities, or why it could not be read."""
        asked = await self.read(request)
        return await self._in_time(self._predicted(request, asked, self.choose(asked.model)))

    async def _predicted(self, request: Request, asked: Asked, name: str) -> Response:
        counted, loop, deadline = self.metrics, asyncio.get_running_loop(), time.monotonic() + self.settings.timeout
        read = await loop.run_in_executor(self.decoding, self._decoded, name, asked, deadline)
        good = [record for record in read if isinstance(record, Example)]
        try:
            found = iter(await self.batchers[name].predict(good) if good else [])
        except Busy:
            raise HTTPException(429, f"{name}: its queue is full; try again", {"Retry-After": "1"}) from None
        except UserError as error:
            raise HTTPException(500, str(error)) from None
        counted.records.labels(name).inc(len(good))
        counted.problems.labels(name).inc(len(read) - len(good))
        request.state.about = {"model": name, "records": len(read), "problems": len(read) - len(good)}
        answers = [_answer(next(found), asked.top) if isinstance(one, Example) else {"problem": one} for one in read]
        return JSONResponse({"model": name, "predictions": answers}, 200 if good else 422)

    async def explain(self, request: Request) -> Response:
        """Of one record where the network looked for each label, as a PNG in base64, and what each word adds."""
        asked = await self.read(request)
        name = self.choose(asked.model)
        if len(asked.records) > 1:
            raise HTTPException(413, "one record at a time is explained")
        request.state.about = {"model": name, "records": 1}
        return await self._in_time(self._explained(asked, name))

    async def _explained(self, asked: Asked, name: str) -> Response:
        loop = asyncio.get_running_loop()
        try:
            return JSONResponse(await loop.run_in_executor(self.explaining, self._why, name, asked))
        except UserError as error:
            raise HTTPException(422, str(error)) from None

    async def _in_time(self, answer: Awaitable[Response]) -> Response:
        """Or 504, counted from the end of the body. A thread cannot be stopped; the pools bound how many go on unasked."""
        try:
            return await asyncio.wait_for(answer, self.settings.timeout)
        except asyncio.TimeoutError:
            raise HTTPException(504, f"no answer within {self.settings.timeout:g} s") from None

    def _decoded(self, name: str, asked: Asked, deadline: float) -> list[Example | str]:
        """Of each record what the model reads, or why it cannot; none more once nobody waits for them."""
        read: list[Example | str] = []
        for image, text in asked.records:
            if time.monotonic() > deadline:
                raise asyncio.TimeoutError
            read.append(self._read(name, image, text))
        return read

    def _read(self, name: str, image: bytes | None, text: str | None) -> Example | str:
        try:
            self._check_length(name, text)
            return self.classifiers[name].reader.read(image, text)
        except UnreadableInput as error:
            return one_line(str(error))

    def _check_length(self, name: str, text: str | None) -> None:
        """Raises `UnreadableInput`: cutting a text into tokens holds up all models, however few of them one reads."""
        length, most = len(text or ""), self.settings.max_characters
        if length > most and "text" in self.classifiers[name].reader.reads:
            raise UnreadableInput(f"absurdly long text ({length} characters; at most {most} are read)")

    def _why(self, name: str, asked: Asked) -> dict[str, Any]:
        try:
            from multilabel.reporting.why import png, why  # torch and captum, which an exported model does not need
        except ImportError as error:
            raise UserError(f"explaining needs torch and captum, and {error.name} is not installed here") from None

        image, text = asked.records[0]
        self._check_length(name, text)
        labels = list(dict.fromkeys(asked.labels))  # each is a pass; once each, there are no more than the model has
        found = why(self.classifiers[name], name, image, text, asked.top or EXPLAINED, labels)
        return {"model": name, "note": found.note, "labels": [label.as_json(png) for label in found.labels]}

    def models(self) -> list[dict[str, Any]]:
        """What can be asked for."""
        return [
            {
                "name": name,
                "reads": one.reads,
                "needs": sorted(one.reader.needs),
                "labels": one.labels,
                "decoding": one.description.decoding.rule,
                "thresholds": one.description.decoding.thresholds,
                "slope": one.description.decoding.slope,
                "shifts": one.description.decoding.shifts,
            }
            for name, one in self.classifiers.items()
        ]


def create_app(classifiers: Mapping[str, Classifier], settings: ServingSettings) -> FastAPI:
    """A server of these models."""
    server = Server(classifiers, settings)
    app = FastAPI(
        title="multilabel",
        description="Labels for images, texts, and both.",
        lifespan=server.lifespan,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.server = server
    app.middleware("http")(_counting(server))
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_api_route(
        "/predict", server.predict, methods=["POST"], openapi_extra=BODY, summary="Labels and probabilities"
    )
    app.add_api_route(
        "/explain", server.explain, methods=["POST"], openapi_extra=BODY, summary="Why one record has them"
    )
    app.add_api_route("/models", server.models, methods=["GET"], summary="What can be asked for")
    _add_operation(app, server)
    _add_pages(app)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """One line, whatever of the request it repeats."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": one_line(str(error.detail))}, error.status_code, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    """For the log and the counters: whoever would read it left before the whole body was sent, or sent a broken one."""
    return Response(status_code=GONE)


def _add_operation(app: FastAPI, server: Server) -> None:
    @app.get("/health", summary="Whether the process lives")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Whether it answers; 503 before and after")
    def ready() -> Response:
        return JSONResponse({"ready": server.ready}, 200 if server.ready else 503)

    @app.get("/metrics", summary="For Prometheus")
    def metrics() -> Response:
        return Response(server.metrics.page(), media_type="text/plain; version=0.0.4")


def _add_pages(app: FastAPI) -> None:
    for path, file, kind in (
        ("/", PAGE, "text/html"),
        ("/parts.js", parts.SCRIPT, "text/javascript"),
        ("/parts.css", parts.STYLE, "text/css"),
        ("/demo.js", SCRIPT, "text/javascript"),
        ("/demo.css", STYLE, "text/css"),
    ):
        headers = {"Content-Security-Policy": ONLY_OWN, "X-Content-Type-Options": "nosniff"}
        app.add_api_route(path, _file(file, kind, headers), methods=["GET"], include_in_schema=False)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference(app.openapi()), headers={"Content-Security-Policy": ONLY_OWN})


def _file(file: Path, kind: str, headers: dict[str, str]) -> Callable[[], FileResponse]:
    def answer() -> FileResponse:
        return FileResponse(file, media_type=kind, headers=headers)

    return answer


def _counting(server: Server) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    async def count(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        began, status = time.perf_counter(), 500
        request.state.about = {}
        server.requests += 1
        try:
            response = await answer(request)
            status = response.status_code
        except asyncio.CancelledError:
            status = GONE
            raise
        finally:
            server.requests -= 1
            seconds = time.perf_counter() - began
            route = request.scope.get("route")
            path = getattr(route, "path", "other")  # unknown paths share one name: they are without end
            server.metrics.answered(request.method, path, status, seconds)
            about = {"method": request.method[:20], "path": request.url.path[:200], "status": status}
            log("request", **about, ms=round(seconds * 1000, 1), **request.state.about)
        return response

    return count


def _answer(said: Prediction, top: int) -> dict[str, Any]:
    return {"labels": said.labels, "probabilities": said.top(top) if top else said.probabilities}


def names_of(folders: Sequence[Path]) -> dict[str, Path]:
    """The folders by their own names; raises `UserError` where two have the same."""
    names: dict[str, Path] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in names:
            raise UserError(f"{names[name]} and {folder}: are both called {name}; rename one of them")
        names[name] = folder
    return names
