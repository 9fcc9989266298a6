"""`multilabel serve`: models over HTTP."""

from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from multilabel.cli.subcommand import Subcommand
from multilabel.core.errors import UserError
from multilabel.core.settings import settings
from multilabel.serving.settings import ServingSettings

NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}


def configure(parser: ArgumentParser) -> None:
    """Its arguments: a flag for each of the server's settings."""
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="model folders, exported or not")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    for name, setting in settings(ServingSettings).items():
        parser.add_argument(
            _flag(name), type=type(setting.default), default=setting.default, help=f"default: {setting.default:,g}"
        )


def run(given: Namespace) -> None:
    """Serve until the process is told to stop (SIGTERM, Ctrl-C)."""
    lacking = [name.replace("_", "-") for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise UserError(f"serve needs {', '.join(lacking)}; `pip install -r requirements-serve.txt`")
    limits = _limits(given)
    from multilabel.inference.classifier import Classifier
    from multilabel.serving.app import create_app, names_of
    from multilabel.serving.listening import listen, opened

    folders, sockets = names_of(given.models), opened(given.host, given.port)
    classifiers = {
        name: Classifier.load(folder, max_megapixels=limits.max_megapixels) for name, folder in folders.items()
    }
    listen(create_app(classifiers, limits), list(classifiers), sockets)


def _limits(given: Namespace) -> ServingSettings:
    """What the flags say; raises `UserError` with a line for each that is out of its range."""
    values, mistakes = {}, []
    for name, setting in settings(ServingSettings).items():
        try:
            values[name] = TypeAdapter(setting.annotation).validate_python(getattr(given, name))
        except ValidationError as error:
            expected = error.errors()[0]["msg"].removeprefix("Input should be ")
            mistakes.append(f"{_flag(name)}: expected a number {expected}, got {getattr(given, name)}; give another")
    if mistakes:
        raise UserError(*mistakes)
    return ServingSettings(**values)


def _flag(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


SERVE = Subcommand(
    name="serve",
    help="answer over HTTP, with a page to try models on",
    description="Answer over HTTP: POST /predict and /explain, GET /models, /health, /ready and /metrics; /docs describes them, "
    "and / is a page to try models on. Binds to loopback unless told otherwise; it knows neither users nor TLS, so a proxy that "
    "does belongs before it where others can reach it.",
    configure=configure,
    run=run,
)
