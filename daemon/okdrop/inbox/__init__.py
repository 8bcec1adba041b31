"""What lies in a watched folder: which files, whether they are finished, and their bytes.

`revision` stat to `Revision` · `scan` walk a folder · `hints` the kernel's events ·
`canary` whether they come · `watching` by events, or by polling · `known` what a rescan need not ask about ·
`future` ages of files whose time lies in the future ·
`lease` who has a file open for writing · `settle` is it finished? · `source` the file that is being sent ·
`reading` gently, or as it comes · `away` gone, or not mounted? · `mounts` kinds of file systems ·
`own_thread` looks that may hang.

Nothing here writes to a file that was dropped.
"""
