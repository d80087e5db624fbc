"""How much of everything a run spends: presets, and the one record they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoo.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """The budget that all lines of a board share.

    Args:
        preset: Name the budget goes by on the board.
        epochs: Passes over the training conformations for models that name no number.
        seeds: Independent trainings of each model.
        own_epochs: Whether a model's own number of epochs is honoured; otherwise all share
            `epochs`.
        draws: Conformations drawn per entry and seed, and in each set behind a floor.
        batch: Conformations drawn at a time, also the batch that is timed.
        floor_repeats: Independent pairs of true sets behind each floor.
        power_repeats: Spoilt sets behind each figure of `zoo power`.
        replicas: Other test sets of the same size that each drawn set is scored against, at most
            as many as are kept with the data; for metrics of densities the test set is resampled.
        draw_groups: Groups of draws that are left out in turn where there is a single seed.
        timing_rounds: Least rounds in which all entries are timed in turn; 0 leaves clocks out.
        round_seconds: Least time a fast entry is repeated for within a round.
        timing_seconds: Seconds of rounds after which no further ones are added, per device.
        timeout: Seconds after which one stage of one job is stopped.
        memory_gb: Memory that one stage of one job may hold, in GB (10⁹ bytes); `None` sets no
            limit.
        checkpoint_seconds: Seconds of training between two checkpoints.
        slow_too: Whether `--all` means the slow models as well.
        compiled: Whether torch compiles the network calls of path models before they draw.
    """

    preset: str
    epochs: int
    seeds: int
    own_epochs: bool = True
    draws: int = 10_000
    batch: int = 1_000
    floor_repeats: int = 40
    power_repeats: int = 10
    replicas: int = 8
    draw_groups: int = 5
    timing_rounds: int = 7
    round_seconds: float = 0.05
    timing_seconds: float = 55.0
    timeout: float = 3_600.0
    memory_gb: float | None = None
    checkpoint_seconds: float = 30.0
    slow_too: bool = False
    compiled: bool = False

    def compile(self) -> Settings:
        """The same with compiled network calls, under a name that says so.

        Example:
            >>> settings_for("quick").compile().preset
            'quick compiled'
        """
        return replace(self, preset=f"{self.preset} compiled", compiled=True)


PRESETS = {
    "quick": Settings(
        "quick",
        epochs=4,
        seeds=1,
        own_epochs=False,
        draws=2_000,
        floor_repeats=20,
        replicas=4,
        timing_rounds=6,
        round_seconds=0.02,
        timing_seconds=10.0,
    ),
    "standard": Settings("standard", epochs=80, seeds=3),
    "full": Settings(
        "full", epochs=400, seeds=10, timing_rounds=15, timing_seconds=300.0, slow_too=True
    ),
    "lecture": Settings("lecture", epochs=200, seeds=1),
}


def settings_for(preset: str) -> Settings:
    """The settings of a preset.

    Raises:
        UsageError: If there is none of that name.

    Example:
        >>> settings_for("quick").seeds
        1
    """
    try:
        return PRESETS[preset]
    except KeyError:
        known = ", ".join(PRESETS)
        raise UsageError(f"no preset named {preset!r}. There are: {known}.") from None
