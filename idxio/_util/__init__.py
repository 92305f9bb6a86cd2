"""What every layer may use and none of them owns: threads, memory of arrays, progress.

`threads` runs a function over items and counts the processors; `memory` allocates aligned pages;
`progress` adds up the steps of a job. A helper belongs here once two packages need it. Nothing here
knows IDX, files or datasets, and nothing here has a policy: defaults stand with the public
function.
"""
