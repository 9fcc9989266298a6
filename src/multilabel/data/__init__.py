"""What a dataset is: records, labels, splits, and the formats it can come in."""
