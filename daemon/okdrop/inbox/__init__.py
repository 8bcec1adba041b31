"""What lies in a watched folder: which files, whether they are finished, and their bytes.

`revision` stat to `Revision` · `scan` walk a folder · `lease` who has a file open for writing · `settle` is
it finished? · `source` the file that is being sent. Nothing here writes to a file that was dropped.
"""
