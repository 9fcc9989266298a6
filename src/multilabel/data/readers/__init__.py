"""The formats a dataset can come in: each turns `Files` into records and findings."""

from multilabel.data.readers.competition import Competition
from multilabel.data.readers.goodreads import Goodreads
from multilabel.data.readers.table import Table

FORMATS = {"competition": Competition, "goodreads": Goodreads, "table": Table}
