"""What every layer may use and none of them owns: threads, memory of arrays, progress, the version.

A helper belongs here once two packages need it. Nothing here knows IDX, files or datasets, and
nothing has a default that users see: those stand in the signature of the public function.

`types` names the array types of annotations; `threads` runs a function over items and counts the
processors; `helper_thread` is one, `workers` are several that stay, for calls that come one by one;
`fork` tells a forked child from its parent; `memory` allocates aligned pages; `sizes` counts the
bytes of records; `integers` checks the numbers that a caller gives, `masks` refuses masked arrays;
`printable` shows text of strangers; `progress` adds up the steps of a job; `public` names what
users import.
"""
