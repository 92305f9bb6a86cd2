"""The command `idxio`: one file a command, and `demo/`.

`main` collects the parsers and states the exit codes' meaning. Each command is a file with
`add_parser` and `run`, and imports in `run` what no other command needs. `options` has arguments of
several commands, `output` takes `-` as standard output, `exit_codes` turns errors into one line and
a code, `text` writes names and shapes, `check_text` and `page/` write the result of a check,
`select_class` finds the records of a class, `idx_files` and `show_folder` take a folder in the
place of a file, `drawing` makes contact sheets, `terminal` turns pixels into text, `progress` is
the bar, `signals` ends a command cleanly, `help_text` lays out help, `completion` writes the
scripts for shells, `complaints` makes one line of complaints of one kind, as `warnings_once` does
of warnings.

Nothing is computed here that Python cannot do with the public functions; nothing imports this.
"""
