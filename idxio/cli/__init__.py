"""The command `idxio`: one file a command, and `demo/`.

`main` has the parser; a command runs in the file of its name, or of its sibling (import in
`export`, index in `repack`): the HTML page is `report`. `exit_codes` turns errors into one line and
a code, `signals` ends cleanly, `terminal` draws pixels as text, `progress` is the bar,
`select_class` is `--class`. Nothing is computed here that Python cannot do with the public
functions; nothing imports this.
"""
