"""Many sessions in one run: which of them, by which engine, and the outcome of each.

`selection` and `shards` decide and touch nothing; `job` does one session; `process_pool` and `dask_engine` are the
engines that do many; `run_report` and `metrics` record the outcomes.
"""
