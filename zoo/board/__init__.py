"""From rows to a leaderboard: statistics, tables, files.

What is here knows rows, and nothing of how they were made: no model, no sampler, no torch.
"""

FORMATS = ("table", "csv", "md", "json")
"""What a leaderboard can be rendered as."""
