"""The HTML page of `idxio report`: one file that needs no other, no network and no script.

`render` puts the sections together and keeps the page small. `overview` is its head and the tables
of splits and files, `findings` shows the records of findings with those that they equal, `classes`
has a card for each class, `histograms` the charts of pixel values. `selection` chooses the records
that are shown, `pictures` makes images of them, and `style` is the style sheet.
"""
