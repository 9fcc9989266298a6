"""Records that show the same image or say the same thing: they must not stand on two sides of a split."""

from collections.abc import Iterable
from hashlib import blake2b
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from multilabel.data.punctuation import spaced


def text_keys(texts: Iterable[str]) -> list[str]:
    """Texts without case, punctuation and extra spaces, empty where nothing remains."""
    return [" ".join(spaced(normalize("NFC", text.lower())).split()) for text in texts]


def groups(*keys: list[str]) -> NDArray[np.int_]:
    """(N,) group number of each record: records that share a non-empty key of any kind are in one group."""
    number = len(keys[0])
    rows, columns = [], []
    for kind in keys:
        first: dict[str, int] = {}
        for row, key in enumerate(kind):
            if key and first.setdefault(key, row) != row:
                rows.append(row)
                columns.append(first[key])
    links = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(number, number))
    return connected_components(links, directed=False)[1]


def extra(keys: Iterable[str]) -> int:
    """How many records repeat the non-empty key of an earlier one."""
    digests = b"".join(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest() for key in keys if key)
    found = np.frombuffer(digests, "S16")
    return len(found) - len(np.unique(found))
