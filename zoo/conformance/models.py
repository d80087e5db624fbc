"""What every model must keep to: building, learning, drawing, being saved."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zoo.conformance.case import Check, NotApplicable, Violation, needing
from zoo.conformance.draws import check_shape, drawn
from zoo.conformance.preparation import built, built_for, draw, train, trained
from zoo.conformance.state import seed_all
from zoo.conformance.truth import SHAPE, SMALL, truth
from zoo.contracts import Density, Model, OneShot, Path
from zoo.registry import Choice

OTHER_SHAPES = ((8, 3), SMALL)


def offers_what_it_declares(subject: Choice) -> None:
    """Its spec offers `draw`, `path` and `log_prob` just where the model has them."""
    model, declared = built(subject), subject.listing.spec.offers
    has = {
        "draw": isinstance(model, OneShot),
        "path": isinstance(model, Path),
        "log_prob": isinstance(model, Density),
    }
    meant = {"draw": "a zoo.OneShot", "path": "a zoo.Path", "log_prob": "a model with log_prob"}
    for word, there in has.items():
        if there != (word in declared):
            raise Violation(
                f"its spec offers {', '.join(sorted(declared)) or 'nothing'}, and "
                f"{type(model).__name__} is {'' if there else 'not '}{meant[word]}; expected "
                f"{word!r} in `offers` just where it is. Change the spec or the model."
            )


def can_be_trained(subject: Choice) -> None:
    """It can be fitted, and its loss is a finite scalar that gradients can be taken of."""
    train(built(subject), SHAPE)


def every_parameter_is_reached(subject: Choice) -> None:
    """Within a few steps each parameter has had a gradient: none is left out of the loss."""
    model: Model = built(subject)
    if not hasattr(model, "loss"):
        raise NotApplicable("it is not trained by gradients")
    with needing("can_be_trained"):
        reached = train(model, SHAPE, steps=8)
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    idle = [name for name, most in zip(names, reached, strict=True) if not most > 0]
    if idle:
        raise Violation(
            f"the loss has no gradient in {', '.join(idle)} after 8 steps; expected one in every "
            "parameter. Use it in the loss, or make it a buffer; if the weight of its part grows "
            "from 0, name every_parameter_is_reached in expected_failures."
        )


def fits_other_shapes(subject: Choice) -> None:
    """It works for 8 beads in space and 3 in the plane as well, or refuses with a UsageError."""
    usual = trained(subject)
    with needing("draws_have_the_right_shape"):
        check_shape(draw(usual, 5), (5, *SHAPE))
    refusals = []
    for shape in OTHER_SHAPES:
        try:
            model = built_for(subject, shape)
        except NotApplicable as refusal:
            refusals.append(str(refusal))
            continue
        train(model, shape)
        check_shape(draw(model, 5), (5, *shape))
    if refusals:
        raise NotApplicable("; ".join(refusals))


def same_seed_same_training(subject: Choice) -> None:
    """From the same random state it learns the same parameters and buffers."""
    found = []
    for _ in range(2):
        seed_all(1)
        found.append(trained(subject).state_dict())
    for name, tensor in found[0].items():
        if name not in found[1] or not torch.equal(
            tensor.nan_to_num(), found[1][name].nan_to_num()
        ):
            raise Violation(
                f"trained twice from one seed, it has another {name}; expected the same. Take all "
                "random numbers from torch's global random state."
            )


def inputs_stay_as_they_are(subject: Choice) -> None:
    """`fit`, `loss`, `finish`, `log_prob` leave the conformations they are given as they were."""
    model, kept = trained(subject), truth(SHAPE, 256)
    for name in ("fit", "loss", "finish", "log_prob"):
        if not hasattr(model, name):
            continue
        x = kept.clone()
        # Gradients as in the harness: a loss may take some by itself.
        with torch.set_grad_enabled(name == "loss"), needing("can_be_trained"):
            getattr(model, name)(x)
        if not torch.equal(x, kept):
            raise Violation(f"{name} changes the conformations it is given. Work on a copy.")


def drawing_changes_nothing(subject: Choice) -> None:
    """Drawing and densities leave parameters, buffers and the mode of a model as they were."""
    model = trained(subject)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    drawn(lambda n: draw(model, n), 10)
    if isinstance(model, Density):
        with torch.no_grad(), needing("log_prob_is_finite"):
            model.log_prob(truth(SHAPE, 10))
    for name, tensor in model.state_dict().items():
        if name not in before or not torch.equal(tensor, before[name]):
            raise Violation(f"drawing changes {name}; expected a trained model to stay as it is.")
    if model.training:
        raise Violation("drawing puts the model into training mode. Do not call train().")


def state_survives_saving(subject: Choice) -> None:
    """Parameters and buffers, put into a new model, draw the same from the same seed."""
    model, twin = trained(subject), built(subject)
    for name, tensor in model.state_dict().items():
        place, _, leaf = name.rpartition(".")
        owner = twin.get_submodule(place)
        if leaf in owner._parameters:
            owner.register_parameter(leaf, nn.Parameter(tensor.clone()))
        else:
            owner.register_buffer(leaf, tensor.clone())
    if not torch.equal(_draws(model), _draws(twin.eval())):
        raise Violation(
            "a new model with its parameters and buffers draws other conformations from the same "
            "seed. Keep in them (register_buffer) whatever fit finds and drawing needs."
        )


def state_survives_deepcopy(subject: Choice) -> None:
    """A deep copy draws the same, whatever becomes of the original."""
    model = trained(subject)
    twin, expected = copy.deepcopy(model), _draws(model)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.zero_()
    if not torch.equal(_draws(twin), expected):
        raise Violation(
            "a deep copy draws other conformations than the original did. Keep no function that "
            "holds on to the model or its tensors, and nothing that cannot be copied."
        )


def _draws(model: Model) -> Tensor:
    seed_all(1)
    return drawn(lambda n: draw(model, n), 10).nan_to_num()


def rows_do_not_see_each_other(subject: Choice) -> None:
    """Density, posterior mean and velocity of a conformation are those it has alone."""
    model = trained(subject)
    asked = {}
    if isinstance(model, Density):
        asked["log_prob"] = (model.log_prob, truth(SHAPE, 8))
    if isinstance(model, Path):
        half, states = torch.tensor(0.5), torch.randn(8, model.size)
        asked["denoise"] = (lambda x: model.denoise(x, half), states)
        asked["velocity"] = (lambda x: model.velocity(x, half), states)
    if not asked:
        raise NotApplicable("it takes no batches but in training")
    for name, (function, x) in asked.items():
        with torch.no_grad(), needing("the other checks"):
            together, alone = function(x), torch.cat([function(row[None]) for row in x])
        if together.shape != alone.shape or not torch.allclose(together, alone, 1e-3, 1e-3):
            raise Violation(
                f"{name} of eight rows differs from that of each row alone; expected the same. "
                "In eval mode nothing may mix the rows of a batch."
            )


CHECKS: tuple[Check, ...] = (
    offers_what_it_declares,
    can_be_trained,
    every_parameter_is_reached,
    fits_other_shapes,
    same_seed_same_training,
    inputs_stay_as_they_are,
    drawing_changes_nothing,
    state_survives_saving,
    state_survives_deepcopy,
    rows_do_not_see_each_other,
)
