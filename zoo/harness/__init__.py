"""From a plan to rows: training, sampling, scoring and timing, each in a process of its own.

`plan` decides from specs what to do; `stages` are the steps as records; `run` drives them;
`execution` and `child` are the two sides of a process; `store` keeps what comes back.
Plugin code runs in children only. Nothing here prints, and nothing knows the board.
"""
