"""The command `idxio`: one file a command, and `demo/`.

`main` has the parser and the exit codes' meaning; each command has a `run` in a file of its name.
`exit_codes` turns errors into one line and a code, `terminal` draws pixels as text, `progress` is
the bar. Nothing is computed here that Python cannot do with the public functions; nothing imports
this.
"""
