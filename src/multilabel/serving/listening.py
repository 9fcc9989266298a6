"""Sockets first, models next: a port that is taken is told at once, and `ready` is logged when somebody listens."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from multilabel.core.errors import UserError
from multilabel.serving.logs import log

PORTS = 65_535  # the largest there is
STOPPING = 30  # seconds for what is being answered when the server is told to stop
CONNECTIONS = 1000  # more are answered with 503


def opened(host: str, port: int) -> list[socket.socket]:
    """A socket at each address of a host; raises `UserError` where there can be none."""
    if not 0 <= port <= PORTS:
        raise UserError(f"--port: expected 0 (any free one) to {PORTS}, got {port}; give another number")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return [_opened(family, address) for family, _, _, _, address in dict.fromkeys(found)]
    except (socket.gaierror, UnicodeError):
        raise UserError(f"--host: {host!r} is no address and no name of one; give one, such as 127.0.0.1") from None
    except OSError as error:
        what = os.strerror(error.errno or 0).lower()
        raise UserError(f"--host {host} --port {port}: {what}; give another, or end what listens there") from None


def _opened(family: int, address: Any) -> socket.socket:
    """Whose connections send at once, as they inherit from it; asyncio sees to that only where a socket names its protocol.

    Else an answer that leaves in two pieces waits 40 ms for whoever asked to say that the first has come.
    """
    listening = socket.create_server(address, family=family)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def listen(app: FastAPI, models: Sequence[str], sockets: list[socket.socket]) -> None:
    """Answer until the process is told to stop (SIGTERM, Ctrl-C)."""
    config = uvicorn.Config(
        app,
        access_log=False,  # serving/logs.py writes a line for each request
        log_level="warning",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=STOPPING,
    )
    with suppress(KeyboardInterrupt):
        _Listening(config, models).run(sockets)


class _Listening(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, models: Sequence[str]) -> None:
        super().__init__(config)
        self.models = models

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log("ready", at=[_shown(one) for one in sockets or []], models=list(self.models))


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if listening.family == socket.AF_INET6 else f"{host}:{port}"
