"""`multilabel serve`: models over HTTP."""

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError
from multilabel.core.settings import parsed
from multilabel.serving.settings import ServingSettings

NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}
STOPPING = 30  # seconds for what is being answered when the server is told to stop
CONNECTIONS = 1000  # more are answered with 503


def configure(parser: ArgumentParser) -> None:
    """Its arguments: a flag for each of the server's settings."""
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="model folders, exported or not")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    for field in fields(ServingSettings):
        kind = float if isinstance(field.default, float) else int
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=kind, default=field.default, help=f"default: {field.default:g}"
        )


def run(given: Namespace) -> None:
    """Serve until the process is told to stop (SIGTERM, Ctrl-C)."""
    lacking = [name.replace("_", "-") for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise UserError(f"serve needs {', '.join(lacking)}; `pip install -r requirements-serve.txt`")
    names = [field.name for field in fields(ServingSettings)]
    settings = parsed(ServingSettings, {name: getattr(given, name) for name in names}, "serve")
    import uvicorn

    from multilabel.inference.classifier import Classifier
    from multilabel.serving.app import create_app, names_of

    folders = names_of(given.models)
    classifiers = {
        name: Classifier.load(folder, max_megapixels=settings.max_megapixels) for name, folder in folders.items()
    }
    uvicorn.run(
        create_app(classifiers, settings),
        host=given.host,
        port=given.port,
        access_log=False,  # serving/logs.py writes a line for each request
        log_level="warning",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=STOPPING,
    )


SERVE = Subcommand(
    name="serve",
    help="answer over HTTP, with a page to try models on",
    description="Answer over HTTP: POST /predict and /explain, GET /models, /health, /ready and /metrics; /docs describes them, "
    "and / is a page to try models on. Binds to loopback unless told otherwise; it knows neither users nor TLS, so a proxy that "
    "does belongs before it where others can reach it.",
    configure=configure,
    run=run,
)
