"""Why a layer of a Keras model cannot be converted."""

from __future__ import annotations

from dataclasses import dataclass

from snnviz._visits import Visit


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """One reason why a model cannot be converted.

    Attributes:
        layer: the layer's name; within a nested model "outer/inner".
        place: where it stands, e.g. "layers[3]" or "layers[2].layers[0]"; empty for the model as a whole.
        kind: the layer's class.
        reason: what stands in the way.
        remedy: what to do instead; empty where an earlier problem may be to blame.
    """

    layer: str
    place: str
    kind: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.kind, self.place) if part)
        return f"{self.layer!r} ({where}): {self.reason}" + (f"; {self.remedy}" if self.remedy else "")


class Refusal(Exception):
    """Raised with a problem by whoever finds it."""

    def __init__(self, visit: Visit, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.problem = Obstacle(layer=visit.name, place=visit.place, kind=visit.kind, reason=reason, remedy=remedy)


NO_SPIKES = "a neuron's firing rate stands for a rectified linear unit and for nothing else"

IN_ITS_PLACE = "use Dense or convolutions with ReLU in its place, or leave it out, and retrain"
"""What helps with any layer that does something of its own."""

SUBCLASSED = (
    "what a subclassed model computes cannot be read from it",
    "build it as a Sequential or functional model",
)

# what users bring that cannot be converted: Keras class -> (reason, remedy)
UNSUPPORTED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"),
        (
            "max pooling has no spiking counterpart: the maximum of spike trains is not the spike train of the maximum",
            "use average pooling or a strided convolution and retrain, as `snnviz adapt` does",
        ),
    ),
    **dict.fromkeys(
        ("Dot", "Maximum", "Minimum", "Multiply"),
        (
            "it multiplies or compares what several paths bring, and synapses only add",
            "use Add or Concatenate of maps of one shape, or leave a gate out, and retrain",
        ),
    ),
    **dict.fromkeys(
        ("LeakyReLU", "PReLU", "ELU"),
        (f"its output can be negative, and {NO_SPIKES}", "use ReLU and retrain, as `snnviz adapt` does"),
    ),
    **dict.fromkeys(
        ("Conv3D", "AveragePooling3D", "MaxPooling3D", "GlobalAveragePooling3D", "GlobalMaxPooling3D", "ZeroPadding3D"),
        ("only layers of signals and images are supported, not of volumes", "use the two-dimensional layer"),
    ),
    **dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose", "UpSampling1D", "UpSampling2D"),
        ("layers that enlarge a map are not supported", "use a convolution"),
    ),
    **dict.fromkeys(
        ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D", "TimeDistributed"),
        ("recurrent and time-distributed layers are not supported", "use a feed-forward image classifier"),
    ),
    **dict.fromkeys(
        ("LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization", "SpectralNormalization"),
        (
            "it normalises by statistics of each item, which no fixed weights can stand for",
            "use BatchNormalization and retrain",
        ),
    ),
    **dict.fromkeys(
        ("MultiHeadAttention", "Attention", "AdditiveAttention", "GroupQueryAttention"),
        ("attention multiplies activations by one another, which synapses cannot do", IN_ITS_PLACE),
    ),
    **dict.fromkeys(
        ("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D"),
        ("its windows may differ in size", "use average pooling with one size of window, and retrain"),
    ),
    **dict.fromkeys(
        ("Resizing", "CenterCrop", "RandomCrop"),
        ("it changes the size of the image", "do it to the data before the model, and leave the layer out"),
    ),
    "Lambda": ("what its function computes is not known", "use a layer of Keras"),
    "Permute": ("reordered axes are not supported", "bring the data into channels_last order before the model"),
}
