"""Why targets are missed, where they are: what was measured, and what the floor is. By group."""

_FLOOR = (
    "two threads can't take less than half of what libdeflate takes on one. On top come the"
    " CRC-32, clearing the pages of the array and of the second half, reading the file, the search"
    " for headers, what is decoded twice, and the copy of the second half to its place:"
    ' docs/gzip.md, "What a guessed read costs", has each.'
)

WHY: dict[str, str] = {
    "read-gz": _FLOOR,
    "read-spans": _FLOOR,
    "epoch-float32": (
        "a batch is made in 27 us on a processor of this kind, in memory that stays in its cache;"
        " two threads pass it back and forth. On an older one two threads took 0.21 of numpy."
    ),
}
