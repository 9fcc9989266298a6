"""Published reports as studies: their runs, their tables, and what ours say beside theirs."""
