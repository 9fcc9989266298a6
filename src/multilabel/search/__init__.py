"""Searching the settings of an architecture: what may be chosen, the trials, and what they found."""
