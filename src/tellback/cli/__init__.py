"""The command line (docs/operations.md): one module a command, imported when it is called.

`serve` has to be ready within a second, so nothing that costs a noticeable part of one (table drawing, the
application itself) is imported on the way to it.
"""
