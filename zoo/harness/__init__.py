"""From a plan to rows: training, sampling, scoring and timing, each in a process of its own.

`plan` decides from specs what to do; `stages` are the steps as records; `run` drives them, and
`ledger` writes the rows. `execution` and `process` are one side of a process, `child` is the other.
`store` keeps what comes back, `claims` say whose turn it is, `checkpoint` is where a training goes
on. Plugin code runs in children only. Nothing here prints, and nothing knows the board.
"""
