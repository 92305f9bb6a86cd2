"""The command `idxio`: one file a command, and folders for `demo`, `report` and `view`.

Nothing is computed here that Python cannot do with the public functions, and nothing imports this.
Each command is a file with `add_parser` and `run`, which imports what no other command needs.
`main` collects them and states the exit codes' meaning.

Commands: `build`, `cache`, `check`, `export`, `fetch`, `import_`, `index`, `info` (with verify),
`repack`, `report` (its page is in `page/`), `show`, `sort`, `view` (its page and server are in
`viewer/`), and `demo/`. Shared by them: `options` has arguments of several commands, `output` takes
`-` as standard output, `exit_codes` turns errors into one line and a code, `signals` ends a command
cleanly. `idx_files` and `show_folder` take a folder in the place of a file, `select_class` finds
the records of a class. `check_text` and `text` write for the terminal, `drawing` makes contact
sheets, `terminal` turns pixels into text, `progress` is the bar. `complaints` and `warnings_once`
make one line of many of a kind. `help_text` lays out help, `completion` is for shells.
"""
