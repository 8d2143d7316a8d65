"""The proof that a session's chunks are in its result, which has to be given before they are deleted.

`proof` gives it: it has `streams` read the chunks, and `packet_index` find their packets among those that `published`
reads; `hidden_blocks` is a second opinion on the chunks.
"""
