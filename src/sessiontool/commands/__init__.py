"""The commands of the command line, a module each; `cli` gathers them.

A command parses, calls, has the result rendered, and exits.  Heavy imports wait until it runs.
"""
