"""A line of JSON for each request, on stderr."""

import json
import sys
import time
from typing import Any


def log(event: str, **about: Any) -> None:
    """With the time in UTC."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(json.dumps({"time": now, "event": event, **about}, ensure_ascii=False), file=sys.stderr, flush=True)
