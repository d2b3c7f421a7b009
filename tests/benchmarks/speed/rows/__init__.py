"""The rows of the table: each module has a NAME, what it needs (MINUTES, CODE) and `cases()`, a function for each case by its key."""
