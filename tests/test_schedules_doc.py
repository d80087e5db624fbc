"""The page on schedules keeps its word: its table is the kept one, its numbers are the code's."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.schedules import LINES
from zoo.registry import discover
from zoo_plugins.models.lecture import LectureDDPM

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")


def test_the_table_on_the_page_is_the_one_that_was_made() -> None:
    """Line by line that of benchmarks/results/schedules.md, which has a line for each model."""
    shown = PAGE.split("<!-- schedules -->\n")[1].split("<!-- /schedules -->")[0].strip()
    kept = (ROOT / "benchmarks" / "results" / "schedules.md").read_text(encoding="utf-8")
    assert shown == kept[kept.index("|") :].strip()
    rows = shown.splitlines()[2:]
    for row, line in zip(rows, LINES, strict=True):
        assert f"| {line.shows} " in row
        assert f"| `{line.model}` " in row


def test_every_line_can_be_built() -> None:
    """All models of the table exist, with the options that they are given."""
    registry = discover(first_party_only=True)
    for line in LINES:
        registry.find("model", line.model).check()


def test_the_page_has_the_schedule_right() -> None:
    """What is left of data and noise at the end of the lecture's schedule, as the page says."""
    end = LectureDDPM((12, 2)).coefficients(torch.ones(()))
    assert f"ᾱ = {end.a.item() ** 2:.3f}" in PAGE
    assert f"{end.a.item():.2f} x + {end.s.item():.2f} e" in PAGE
