"""First-party samplers, one file each.

A sampler sees a path model's size, device, coefficients, posterior mean, velocity and decoder,
and nothing else of it. Times run on a uniform grid from 1 (noise) to 0 (data).
"""
