"""First-party samplers, one file each.

A sampler sees a path model's size, device, coefficients, posterior mean, velocity and decoder,
and nothing else of it. Times run evenly from 1 (noise) to 0 (data), see `grid`, or through noise
levels that do not depend on the schedule, see `levels`.
"""
