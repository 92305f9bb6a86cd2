"""The reference of the command line, from its parser."""

from idxio.cli.main import _parser


def command_reference():
    """Each command with its help, in reStructuredText."""
    _, commands = _parser([])
    return "\n".join(section(name, parser) for name, parser in commands.choices.items())


def section(name, parser):
    """The help of a command, as it prints it."""
    title = f"idxio {name}"
    lines = "\n".join(f"   {line}".rstrip() for line in parser.format_help().splitlines())
    return f"{title}\n{'-' * len(title)}\n\n.. code-block:: text\n\n{lines}\n"
