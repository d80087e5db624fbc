"""First-party metrics: frozen settings and one number each, a file per subject.

No model is run and nothing is drawn here; what a metric reads are tensors of conformations.
Nobody imports from here but `zoo_plugins.catalog`, by name.
"""
