"""Laws of names: what is checked when something is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from zoo.conformance import cases, checks_for, run_checks
from zoo.errors import UsageError
from zoo.registry import FIRST_PARTY, Choice, discover

if TYPE_CHECKING:
    from tests.conftest import Install

MENU = """
import zoo

@zoo.hookimpl
def zoo_samplers():
    for name in ("leap", "hop"):
        yield zoo.SamplerSpec(api=1, name=name, factory="zoo_plugins.samplers.ddim:DDIM",
                              summary="steps", needs={"path"})

@zoo.hookimpl
def zoo_models():
    yield zoo.ModelSpec(api=1, name="leap", factory="zoo_plugins.models.cfm:CFM", summary="",
                        offers={"path"})
"""

MODEL = """
import torch
import zoo

class Still(zoo.OneShot):
    def __init__(self, shape):
        super().__init__()

    def draw(self, n):
        return torch.randn(n, 12, 2)
"""


def kinds(*names: str) -> list[tuple[str, str]]:
    """Kind and label of what is checked, each once and in order."""
    found = (case.subject for case in cases(*names))
    return list(dict.fromkeys((it.listing.spec.kind, it.label) for it in found))


def test_a_name_means_all_that_is_called_so(install: Install) -> None:
    """By its own name, by plugin and by distribution, with options, and never twice."""
    install("zoo-leaps", MENU, entry_points="[zoo.plugins]\nleaping = zoo_leaps\n")
    everything = {("sampler", "leap"), ("sampler", "hop"), ("model", "leap")}
    assert set(kinds("leaping")) == set(kinds("Zoo_Leaps")) == everything
    assert kinds("hop", "zoo-leaps/hop", "hop") == [("sampler", "hop")]
    assert set(kinds("leap")) == {("sampler", "leap"), ("model", "leap")}
    assert kinds("hop[steps=3]", "hop") == [("sampler", "hop[steps=3]"), ("sampler", "hop")]


def test_first_party_means_all_of_it() -> None:
    """The distribution's name checks everything on its menu."""
    listings = [it for it in discover().listings if it.plugin.distribution == FIRST_PARTY]
    assert len(kinds("polymer-zoo")) == len(listings)


def test_a_file_is_checked_by_its_class(tmp_path: Path) -> None:
    """A model that is not packaged obeys all laws of models but those of menus."""
    path = tmp_path / "still.py"
    path.write_text(MODEL)
    found = run_checks(cases(f"{path}:Still"))
    statuses = {report.check: report.status for report in found}
    assert statuses.pop("menu_imports_no_torch") == "skipped"
    assert [name for name, status in statuses.items() if status == "failed"] == [
        "fits_other_shapes"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ddimm", r"nothing is called 'ddimm'\. Did you mean 'ddim'\? Installed: .*ddim"),
        ("ddim[stepz=3]", r"has no option 'stepz'\. Did you mean 'steps'\?"),
        ("nowhere.py:Net", "no file 'nowhere.py'"),
        ("zoo-broken", "plugin 'zoo-broken' .* is quarantined: importing .*'nothing_at_all'"),
        ("zoo-broken/net", "plugin 'zoo-broken' .* is quarantined: importing"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, message: str, install: Install) -> None:
    """With what is near, what there is, or what a broken plugin suffers from."""
    install("zoo-broken", "import nothing_at_all")
    with pytest.raises(UsageError, match=message):
        cases(name)


def test_a_plugin_that_offers_nothing_has_no_checks(install: Install) -> None:
    """Its name means something: nothing to check."""
    install("zoo-empty", "import zoo\n\n@zoo.hookimpl\ndef zoo_models():\n    return []\n")
    assert cases("zoo-empty") == []


def test_what_is_offered_decides_what_is_checked() -> None:
    """Paths have the laws of paths and densities those of densities, and others do not."""
    registry = discover()

    def names(model: str) -> set[str]:
        choice: Choice = registry.find("model", model)
        return {check.__name__ for check in checks_for(choice)}

    assert "denoise_and_velocity_agree" in names("cfm") - names("nsf")
    assert "log_prob_is_normalised" in names("nsf") - names("cfm")
    assert names("cfm") & names("nsf") == names("vae")
