"""Many sessions in one run: which of them, done by whom, and what became of each.

`selecting` and `shards` decide and touch nothing; `jobs` does one session, wherever that is; `workers` (processes) and
`cluster` (Dask) are the engines that do many; `ledger` keeps what became of them.
"""
