"""The Python interface: what the command line does, called from a program.

from sessiontool import MergeOptions, merge

result = merge("2026-11-22-dana", store="s3://recordings/sessions", options=MergeOptions(pauses="keep"))
print(result.status, result.location)

Every function takes the session's id and, by name: `store`, a folder or `s3://bucket/prefix`; `output`, where results
are if not in the store; `layout`, how chunks are named if not `{session}/chunks/{part}/{seq}.{ext}`, or `auto`, which
takes the one layout that fits; `corrections`, a file of corrections that is read after those of the store.  What is
larger than `limits` is not read, `s3` has what boto3's own configuration does not say, and `progress` is called at each
stage.  Settings in files and the environment are not read, except boto3's.

All errors are SessionToolError: UsageError (the id or an option makes no sense), NotFoundError (no such store, session
or result), RecordingError (what is stored cannot be used), StorageError (unreachable, full, forbidden), and of that
BusyError (another run works on the session).
"""
