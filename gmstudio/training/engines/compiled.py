"""The whole step of all columns as one compiled function.

A call gives the interpreter's lock away for as long as it lasts, so that training and window hardly slow each other.
"""

from __future__ import annotations

import ctypes
import importlib
import weakref
from pathlib import Path

import torch
from torch import Tensor

from gmstudio.models.layers.base import DensityModel
from gmstudio.training.engines.base import Block
from gmstudio.training.engines.program import buffer_names, scales
from gmstudio.training.layout import Layout
from gmstudio.training.optimiser import Optimiser


class CompiledEngine:
    """Steps by a `Program` that was compiled ahead of time.

    Args:
        package: made by `gmstudio.training.engines.compiler` for as many members.
        model: E members; on the CPU.
        layout: the model's parameters.
        optimiser: its moments and counts; the compiled function takes its place.

    Raises:
        RuntimeError: when this torch cannot load the package.
    """

    name = "compiled"

    def __init__(self, package: Path, model: DensityModel, layout: Layout, optimiser: Optimiser) -> None:
        self._run = Library(package)
        self._optimiser = optimiser
        self._state = [layout.values, optimiser.first, optimiser.second]
        buffers = dict(model.named_buffers())
        self._buffers = [buffers[name] for name in buffer_names(model)]

    def step(self, block: Block, first: int, n: int) -> None:
        """Make `n` steps with the block's entries from `first` on, and note their losses in the block."""
        counts, columns = self._optimiser.counts, self._optimiser.moving
        moving = torch.zeros(len(counts), dtype=torch.float64)
        moving[columns] = 1.0
        rates = torch.tensor(block.rates[first : first + n], dtype=torch.float64)
        made = counts.double() + torch.arange(1, n + 1, dtype=torch.float64)[:, None]
        numbers = scales(rates, made, moving.expand_as(rates), self._optimiser.decay)
        with torch.no_grad():
            for k, own in enumerate(zip(*(number.unbind(0) for number in numbers), strict=True)):
                # The function does not look at strides, and columns of one seed share an objective's numbers.
                entry = [tensor.contiguous() for tensor in block.entry(first + k)]
                inputs = [*self._state, *own, *entry, *self._buffers]
                block.losses[first + k] = self._run(inputs)
        counts[columns] += n


class Library:
    """A compiled function behind torch's C interface for code that was compiled ahead of time.

    What torch offers in public imports its compiler, which takes three seconds, and holds the interpreter's lock for
    the whole of a step, while the window cannot move.  A call through ctypes gives the lock away.

    Args:
        path: a shared library made by `gmstudio.training.engines.compiler`; it runs with our rights.

    Raises:
        RuntimeError: when this torch cannot load it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._tensors = importlib.import_module("torch._C._aoti")
            library = ctypes.CDLL(str(path))
            create = library.AOTInductorModelContainerCreateWithDevice
            self._step = library.AOTInductorModelContainerRun
            delete = library.AOTInductorModelContainerDelete
        except (ImportError, AttributeError, OSError) as error:
            raise RuntimeError(f"this torch cannot load compiled steps: {error}") from error
        word = ctypes.c_void_p
        create.argtypes = [word, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_char_p]
        self._step.argtypes = [word, word, ctypes.c_size_t, word, ctypes.c_size_t, word, word]
        delete.argtypes = [word]
        self._container = word()
        if create(ctypes.byref(self._container), 1, b"cpu", None):
            raise RuntimeError("this torch cannot load compiled steps")
        weakref.finalize(self, delete, self._container)

    def __call__(self, inputs: list[Tensor]) -> Tensor:
        """Call the function.

        Raises:
            RuntimeError: when it fails.
        """
        capsules = self._tensors.unsafe_alloc_void_ptrs_from_tensors(inputs)
        handles = (ctypes.c_void_p * len(inputs))(*[_pointer_of(capsule, None) for capsule in capsules])
        found = (ctypes.c_void_p * 1)()
        # It takes the inputs' handles over, and leaves the output's to us.
        if self._step(self._container, handles, len(inputs), found, 1, None, None):
            raise RuntimeError("the compiled step failed")
        loss: Tensor = self._tensors.alloc_tensor_by_stealing_from_void_ptr(_capsule_of(found[0], None, None))
        return loss


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_capsule_of = ctypes.pythonapi.PyCapsule_New
_capsule_of.restype, _capsule_of.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
