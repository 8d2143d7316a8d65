"""What was said as labels for other programs: one module a format, each with `render(said, look) -> str`.

Captions are cut for reading; labels are utterances and words as they are.
"""
