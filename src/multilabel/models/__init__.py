"""From resolved settings to a network: encoders, fusions and heads, each a table of names."""
