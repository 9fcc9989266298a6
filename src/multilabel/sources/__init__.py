"""The formats a dataset can come in: each turns `Files` into records and findings."""

from multilabel.sources.competition import Competition
from multilabel.sources.goodreads import Goodreads
from multilabel.sources.table import Table

FORMATS = {"competition": Competition, "goodreads": Goodreads, "table": Table}
