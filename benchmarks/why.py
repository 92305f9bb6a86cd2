"""Why targets are missed, where they are: what was measured, and what the floor is. By group."""

_FLOOR = (
    "two threads can't take less than half of what libdeflate takes on one. On top come the CRC-32, clearing the pages "
    "of the array and of the second half, reading the file, the search for headers, what is decoded twice, and the "
    'copy of the second half to its place: docs/gzip.md, "What a guessed read costs", has each. What rapidgzip and '
    "gzip take hangs on the memory that the process has used before, so alone (`--only`) these rows come out otherwise."
)

WHY: dict[str, str] = {
    "read-raw": "both take 3 ms, most of it clearing pages; over runs the ratio was 0.73 to 1.06.",
    "read-gz": _FLOOR,
    "read-spans": (
        _FLOOR + " Our own file takes libdeflate a fifth longer than the stock one, since each of its 4,841 chunks has "
        "codes of its own; longer chunks are no faster to read, as libdeflate begins new codes as often inside them."
    ),
    "epoch-float32": (
        "a batch is made in 27 us on a processor of this kind, in memory that stays in its cache; two threads pass it "
        "back and forth. On an older one two threads took 0.21 of numpy."
    ),
    "of-class": (
        "finding the files in a directory takes 0.5 ms, which has stayed while reading the whole became faster."
    ),
}
