"""docs/table3.md."""
def as_markdown(rows, records):
    return ""
