"""From a network to a trained model: everything that a `train:` block can say."""
