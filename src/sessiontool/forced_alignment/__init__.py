"""The depth of `words`: how a text is spoken, and where in the sound each of its words is."""
