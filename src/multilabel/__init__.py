"""Multi-label classification of images, text, and both together: the nouns that the stages in `src` use."""
