"""What every layer may use and none of them owns: threads, memory of arrays, progress, the version.

`threads` runs a function over items and counts the processors; `memory` allocates aligned pages;
`progress` adds up the steps of a job; `public` names what users import. A helper belongs here once
two packages need it. Nothing here knows IDX, files or datasets, and nothing has a default that users
see: those stand in the signature of the public function.
"""
