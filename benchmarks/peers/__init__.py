"""Other people's libraries next to ours: four packages, and the board that holds both.

Each folder is a package of its own that sees the zoo as any stranger does; `board` compares them
and `install.sh` makes the environment for it. Nothing else imports what is here.
"""
