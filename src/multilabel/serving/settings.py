"""What a server takes at most, so that no request costs more than it may."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from multilabel.core.ranges import Count, Positive

Number = Annotated[int, Ge(1), Le(100_000)]


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """Limits of a server; what is beyond them is refused at once, with a status and a line."""

    max_mb: Positive = 20.0  # of a request's body, in units of 2^20 bytes (413)
    max_records: Number = 64  # of a request (413)
    max_megapixels: Positive = 50.0  # of an image as stored (422)
    max_characters: Count = 100_000  # of a text; 64 such texts are cut into tokens in 2 s (422)
    max_requests: Number = 64  # that are read and answered at the same time (429)
    queue: Number = 512  # records that wait for one model (429)
    batch: Number = 64  # records that a model reads at once at most
    timeout: Positive = 30.0  # seconds, for a body to arrive (408) and from then on for its answer (504)

    @property
    def records_at_once(self) -> int:
        """Of a request: one with more than the queue holds could never be answered, however often it is sent."""
        return min(self.max_records, self.queue)
