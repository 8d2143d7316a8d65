"""Chunks in, packets for `concat` out: what a session recorded, read, checked and put in order.

`assemble` does a session.  A part that is plainly one recording is read once (`plain`); any other is surveyed chunk by
chunk (`survey`), its copies and seams are found (`copies`), its chunks are ordered (`ordering`), its times repaired
(`timestamp_repair`), and it is joined by a `plan`.  `records` and `findings` are what is said of them.
"""
