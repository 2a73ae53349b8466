"""What of an ONNX graph cannot be expressed as layers, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from snnviz.errors import InputError

_EXPORT = "export the part of the network between image and class scores alone"
_OF_DOMAIN = {
    "ai.onnx.ml": _EXPORT,
    "com.microsoft": "bring the network as it was before ONNX Runtime optimised it",
}
_RECURRENT = "bring a feed-forward network"
REMEDIES = {
    "LRN": "replace local response normalisation by batch normalisation, or leave it out, and retrain",
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(("If", "Loop", "Scan"), "export the network in evaluation mode, for one size of input"),
    **dict.fromkeys(("ArgMax", "TopK", "ZipMap", "NonMaxSuppression"), _EXPORT),
    **dict.fromkeys(
        ("LayerNormalization", "InstanceNormalization", "GroupNormalization", "LpNormalization", "RMSNormalization"),
        "replace it by batch normalisation and retrain",
    ),
    **dict.fromkeys(("Resize", "Upsample", "ConvTranspose"), "layers that enlarge a map are not supported; leave them out"),
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "QuantizeLinear", "DynamicQuantizeLinear"),
        "bring the network as it was before it was quantised",
    ),
    "Attention": "use convolutions in its place, or leave it out, and retrain",
    "Erf": "export with an opset of 20 or later, which writes Gelu as one node",
}  # fmt: skip


class Inexpressible(InputError):
    """A node that no Keras layer expresses.

    Attributes:
        node: its name.
        operator: its operator.
        reason: what stands in the way.
        remedy: what to do instead.
    """

    def __init__(self, node: Any, reason: str, remedy: str) -> None:
        super().__init__(f"`model` must be a graph that layers can express. Received: {node.said}: {reason}; {remedy}")
        self.node, self.operator, self.reason, self.remedy = node.name, node.op, reason, remedy


def refuse(node: Any, reason: str, remedy: str) -> Inexpressible:
    """The error that says of one node why it cannot be read, and what to do."""
    return Inexpressible(node, reason, remedy)


def refuse_unknown(nodes: Iterable[Any]) -> Inexpressible:
    """The error that names the first of the nodes that no reader knows, and how many more there are."""
    first, *others = nodes
    usual = _OF_DOMAIN.get(first.proto.domain, f"replace it and retrain, or {_EXPORT}")
    remedy = REMEDIES.get(first.proto.op_type, usual)  # whatever domain it is of
    reason = "this operator has no layer that does the same"
    kinds = sorted({node.op for node in others} - {first.op})
    if others:
        reason += f" (nor have {len(others)} more nodes{': ' if kinds else ''}{', '.join(kinds)})"
    return refuse(first, reason, remedy)
