"""What a server takes at most, so that no request costs more than it may."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from multilabel.core.ranges import Positive

Number = Annotated[int, Ge(1), Le(100_000)]


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """Limits of a server; what is beyond them is refused at once, with a status and a line."""

    max_mb: Positive = 20.0  # of a request's body, in units of 2^20 bytes (413)
    max_records: Number = 64  # of a request (413)
    max_megapixels: Positive = 50.0  # of an image as stored (422)
    max_requests: Number = 64  # that are read and answered at the same time (429)
    queue: Number = 512  # records that wait for one model (429)
    batch: Number = 64  # records that a model reads at once at most
    timeout: Positive = 30.0  # seconds, for a body to arrive (408) and for an answer (504)
