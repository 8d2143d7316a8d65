"""What is taken from a published result: sound files and clips, with what is said in them.

`export` makes files, `clip` gives a stretch as a value; both read the recording through `source`.
"""
