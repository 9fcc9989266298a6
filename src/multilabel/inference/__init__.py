"""A trained model in use: from paths, bytes, images, arrays and texts to labels and probabilities."""
