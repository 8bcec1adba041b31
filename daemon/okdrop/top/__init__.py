"""A running daemon on a terminal, live, by its own HTTP: `okdrop top`.

where      which daemon, and the token it wants
client     asks it, listens to it, orders it
asking     asks it one thing, for `status`
model      what it answered, as a value
unfinished files that are not finished yet, in the same way
heard      where each upload on its way stands, folded from what is heard between two answers
desk       what a person at the keys does: a selection, a question, a prompt
lines      the pieces of a line, and how they are cut to a width
drawing    a view as lines of a screen of any size
snapshot   a view as plain lines, where there is no terminal
keys       the terminal, and what is typed at it
live       all of it, until it is left
"""
