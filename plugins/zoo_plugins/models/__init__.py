"""First-party models, one file each, and the network parts several of them share.

A model sees `zoo`, `zoo.polymer` and `zoo.generative`, as a stranger's would; no sampler, no
metric. Their lines on the menu stand in `zoo_plugins/catalog.py`.
"""
