"""From a text to numbers: cleaning, tokens, word vectors."""
