"""Members of ensembles."""

import pytest
import torch

from gmstudio import registry
from gmstudio.models.layers.members import take

NAMES = [c.name for c in registry.components("model")]
DATA = torch.randn(64, 2, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("name", NAMES)
def test_a_member_taken_from_an_ensemble_is_the_single_model_of_its_seed(name):
    spec = registry.find("model", name).spec()
    ensemble = spec.build(2, [3, 8, 3], DATA).eval()
    x = torch.randn(3, 20, 2, generator=torch.Generator().manual_seed(1))
    for index, seed in enumerate([3, 8, 3]):
        single, taken = spec.build(2, [seed], DATA).eval(), take(ensemble, spec, index)
        assert taken.members == 1
        assert single.state_dict().keys() == taken.state_dict().keys()
        for key, value in single.state_dict().items():
            assert torch.equal(value, taken.state_dict()[key]), key
        torch.testing.assert_close(taken.log_prob(x[index : index + 1])[0], ensemble.log_prob(x)[index])


def test_a_member_that_is_not_there_is_refused():
    spec = registry.find("model", "gaussian").spec()
    with pytest.raises(IndexError, match="member 2 of 2"):
        take(spec.build(2, [1, 2]), spec, 2)
