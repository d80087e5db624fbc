"""First-party datasets: conformations to learn and to be judged by, a file per source.

The physics lives in `zoo.polymer`; models and metrics never come in here.
Nobody imports from here but `zoo_plugins.catalog`, by name.
"""
