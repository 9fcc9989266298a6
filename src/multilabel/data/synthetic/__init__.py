"""Generated data sets, one generator per format: what `source: synthetic` stands for."""

from multilabel.data.synthetic.competition import write_competition
from multilabel.data.synthetic.goodreads import write_goodreads

GENERATORS = {"competition": write_competition, "goodreads": write_goodreads}
SUFFIXES = {"competition": ".zip", "goodreads": ".csv"}
