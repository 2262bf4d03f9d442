"""The files of a checkpoint: found, read, mapped to the names of this library, and written.

`hub` finds a checkpoint in a folder or on the Hugging Face Hub, `reading` maps its tensors into memory,
`names` translates their names, `report` says what fitted and what did not, and `saving` writes a folder so
that it is never half written.
"""
