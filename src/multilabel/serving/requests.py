"""The body of a request, as JSON or multipart, -> records; nothing is read beyond the limits."""

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from multilabel.models.folder import MB
from multilabel.serving.settings import ServingSettings

DIGITS = 15  # of a length; Python refuses to read numbers of thousands
FIELDS = {"images", "texts", "model", "top", "labels"}  # of a multipart request


class _WholeForm(MultiPartParser):
    """Knows whether the closing boundary came: of a body that was cut off, the parts so far look like a whole one."""

    whole = False

    def on_end(self) -> None:
        """At the closing boundary."""
        self.whole = True


class RecordBody(BaseModel):
    """An image (the content of its file in base64), a text, or both."""

    model_config = ConfigDict(extra="forbid")
    image: str | None = Field(None, description="the content of an image file, in base64")
    text: str | None = None


class PredictBody(BaseModel):
    """Several records, or one by its `image` and `text`."""

    model_config = ConfigDict(extra="forbid")
    model: str | None = Field(None, description="a name of GET /models; the first one where there is none")
    records: list[RecordBody] | None = None
    image: str | None = Field(None, description="in base64; instead of `records`")
    text: str | None = Field(None, description="instead of `records`")
    top: int = Field(0, ge=0, description="how many of the most probable labels have their probability; 0 for all")
    labels: list[str] = Field([], description="of POST /explain: labels to explain, not the most probable ones")


@dataclass(frozen=True)
class Asked:
    """What a request is about."""

    model: str | None
    records: list[tuple[bytes | None, str | None]]
    top: int
    labels: list[str]


async def read_request(request: Request, settings: ServingSettings) -> Asked:
    """Raises `HTTPException` 400, 408, 413, 415 or 422 with one line."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise HTTPException(415, f"content-type {kind or 'none'}: send application/json or multipart/form-data")
    try:
        body = await asyncio.wait_for(_body(request, int(settings.max_mb * MB)), settings.timeout)
    except asyncio.TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {settings.timeout:g} s") from None
    asked = _of_json(body) if kind == "application/json" else await _of_form(request.headers, body, settings)
    if not asked.records:
        raise HTTPException(422, "no records: send `records`, or an `image`, or a `text`")
    most = settings.records_at_once
    if len(asked.records) > most:
        raise HTTPException(413, f"{len(asked.records)} records, at most {most} in a request; send several")
    return asked


async def _body(request: Request, most: int) -> bytes:
    """As it arrives; what says that it is too long is not read at all."""
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > DIGITS or int(said) > most:
        raise HTTPException(413, f"a body of {said} bytes, at most {most} are read")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise HTTPException(413, f"a body of more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


def _of_json(body: bytes) -> Asked:
    try:
        given = PredictBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(400, f"body{'.' * bool(where)}{where}: {first['msg']}") from None
    if given.records is not None and (given.image is not None or given.text is not None):
        raise HTTPException(400, "body: has `records` and an `image` or `text` beside; send one of both")
    single = [] if given.image is None and given.text is None else [RecordBody(image=given.image, text=given.text)]
    records = single if given.records is None else given.records
    pairs = [(_decoded(record.image, number), record.text) for number, record in enumerate(records)]
    return Asked(given.model, pairs, given.top, given.labels)


def _decoded(image: str | None, number: int) -> bytes | None:
    if image is None:
        return None
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(400, f"record {number}: its image is no base64") from None


async def _of_form(headers: Headers, body: bytes, settings: ServingSettings) -> Asked:
    form = await _parsed(headers, body, settings)
    unknown = set(form) - FIELDS
    if unknown:
        raise HTTPException(400, f"multipart body: unknown field {min(unknown)!r}; use {', '.join(sorted(FIELDS))}")
    images = [await part.read() if isinstance(part, UploadFile) else None for part in form.getlist("images")]
    if None in images:
        raise HTTPException(400, "multipart body: `images` must be files; give each a filename")
    texts = await _strings(form, "texts")
    if images and texts and len(images) != len(texts):
        raise HTTPException(400, f"{len(images)} images and {len(texts)} texts are no pairs; send as many of both")
    number = max(len(images), len(texts))
    pairs: list[tuple[Any, str | None]] = list(zip(images or [None] * number, texts or [None] * number, strict=True))  # type: ignore[list-item]
    top = _value(form, "top", "0") or ""
    if not top.isdecimal():
        raise HTTPException(400, f"multipart body: top is {top[:40]!r}, expected a number")
    return Asked(_value(form, "model"), pairs, int(top[:9]), await _strings(form, "labels"))


async def _parsed(headers: Headers, body: bytes, settings: ServingSettings) -> FormData:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    most = 2 * (settings.max_records + 1)  # an image and a text of each record, both as files or not
    size = int(settings.max_mb * MB)
    parser = _WholeForm(headers, stream(), max_files=most, max_fields=most, max_part_size=size)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        reason = getattr(error, "message", "") or "damaged"
        raise HTTPException(413 if "Too many" in reason else 400, f"multipart body: {reason}") from None
    if not parser.whole:
        raise HTTPException(400, "multipart body: ends before its closing boundary; send it again, whole")
    return form


async def _strings(form: FormData, field: str) -> list[str]:
    """The parts called so; of a file (`curl -F texts=@caption.txt`) what it holds."""
    return [await _text(part, field) for part in form.getlist(field)]


async def _text(part: UploadFile | str, field: str) -> str:
    if isinstance(part, str):
        return part
    try:
        content = (await part.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPException(
            400, f"multipart body: a file of `{field}` is no UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    return content.removesuffix("\n").removesuffix("\r")  # the end of a file's last line is no part of what it says


def _value(form: FormData, field: str, default: str | None = None) -> str | None:
    part = form.get(field, default)
    if isinstance(part, UploadFile):
        raise HTTPException(400, f"multipart body: `{field}` is a file; send it as a value, without a filename")
    return part
