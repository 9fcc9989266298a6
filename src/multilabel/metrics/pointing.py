"""The pointing game (Zhang et al. 2016, excitation backprop): does the strongest place of a map lie on what it is of?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multilabel.metrics.statistics import wilson

Floats = NDArray[np.floating]
CENTRE = 0.5


def peaks(maps: Floats) -> Floats:
    """(N, H, W), at least 0 -> (N, 2) x and y of the largest value, in shares of width and height.

    Values belong to the middle of their pixel. Where several are the largest, as at the rim of an enlarged map, it is the
    mean of their places; NaN for a map of zeros, which points nowhere.
    """
    height, width = maps.shape[1:]
    largest = maps.max(axis=(1, 2), keepdims=True)
    top = (maps == largest) & (largest > 0)
    number = np.where(top.any(axis=(1, 2)), top.sum(axis=(1, 2)), np.nan)
    x = top.sum(axis=1) @ ((np.arange(width) + 0.5) / width) / number
    y = top.sum(axis=2) @ ((np.arange(height) + 0.5) / height) / number
    return np.stack([x, y], axis=1)


def inside(points: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """(N, 2) x and y, (N, 4) left, top, width and height -> (N,) whether each point is in its box, edges included."""
    offset = points - boxes[:, :2]
    return np.logical_and.reduce((offset >= 0) & (offset <= boxes[:, 2:]), axis=1)


def pointing_game(points: Floats, boxes: Floats) -> dict[str, Any]:
    """How many of N points are in their boxes, without tolerance, with the 95 % interval of Wilson.

    Beside it what always pointing at the centre of the image scores, and the same points where the centre is no hit.
    """
    hits, centre = inside(points, boxes), inside(np.full_like(points, CENTRE), boxes)
    interval = wilson(int(hits.sum()), len(hits))
    return {
        "records": len(hits),
        "hits": int(hits.sum()),
        "pointing": _share(hits),
        "pointing_ci_low": interval and interval.low,
        "pointing_ci_high": interval and interval.high,
        "pointing_centre": _share(centre),
        "records_off_centre": int((~centre).sum()),
        "pointing_off_centre": _share(hits[~centre]),
    }


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None
