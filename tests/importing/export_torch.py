# ruff: noqa: E501
"""Write `exports-torch.zip`: small PyTorch networks of each kind of layer and option, exported by both exporters of torch 2.13.

Needs an environment of its own: `pip install torch==2.13.0 onnx onnxscript`, then `python tests/importing/export_torch.py`.
Of each case the archive holds the ONNX file, and two items (times 256, as bytes) with the answers that PyTorch gives.
"""

import io
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
IMAGE, GREY, FLAT, SIGNAL = (3, 8, 10), (1, 8, 8), (12,), (2, 16)


class Of(nn.Module):
    """A function of modules, as a module."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.inner = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.inner)


def head(channels, *more):
    return [*more, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5)]


def conv(*args, shape=IMAGE, then=None, **options):
    then = [nn.ReLU()] if then is None else then
    made = nn.Conv2d(*args, **options)
    return shape, nn.Sequential(made, *then, *head(made.out_channels))


def pooled(pool, channels=4):
    return IMAGE, nn.Sequential(nn.Conv2d(3, channels, 3), nn.ReLU(), pool, *head(channels))


def activated(activation):
    return IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), activation, *head(4))


class Residual(nn.Module):
    def __init__(self, sum_of=torch.add):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.body = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)
        )
        self.end = nn.Sequential(nn.ReLU(), *head(4))
        self.sum_of = sum_of

    def forward(self, x):
        x = self.stem(x)
        return self.end(self.sum_of(x, self.body(x)))


class Excited(nn.Module):
    """A block of squeeze and excitation."""

    def __init__(self, gate):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1), gate)
        self.end = nn.Sequential(*head(4))

    def forward(self, x):
        x = self.stem(x)
        return self.end(x * self.gate(x))


def shuffled(x, first, second, last):
    x = F.relu(first(x))
    n, c, h, w = x.shape
    x = x.reshape(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
    return last(F.relu(second(x)))


def halves(x, first, second, last):
    x = F.relu(first(x))
    a, b = x.chunk(2, dim=1)
    return last(torch.cat([a, F.relu(second(b))], dim=1))


DYNAMIC = (
    "conv-padding1",
    "flatten-view",
    "flatten-maps",
    "linear",
    "residual",
    "avgpool2",
    "unflatten",
    "mean",
    "shuffled",
    "squeeze",
)
"""Exported by the newer exporter for any number of items too, which is slow."""


def cases():
    """(name, shape of an item, module), ..."""
    c = {}
    for k in (1, 2, 3, 5):
        c[f"conv-kernel{k}"] = conv(3, 4, k)
    for stride in (2, 3, (1, 2)):
        c[f"conv-stride{stride}"] = conv(3, 4, 3, stride=stride)
    for padding in (1, 2, "same", (0, 1), (2, 1)):
        c[f"conv-padding{padding}"] = conv(3, 4, 3, padding=padding)
    c["conv-stride2-padding1"] = conv(3, 4, 3, stride=2, padding=1)
    c["conv-even-same"] = conv(3, 4, 4, padding="same")
    c["conv-dilation2"] = conv(3, 4, 3, dilation=2)
    c["conv-dilation-padding"] = conv(3, 4, 3, dilation=2, padding=2)
    c["conv-kernel-3x1"] = conv(3, 4, (3, 1), padding=(1, 0))
    c["conv-no-bias"] = conv(3, 4, 3, bias=False)
    c["conv-groups"] = conv(4, 6, 3, groups=2, shape=(4, 8, 8))
    c["conv-depthwise"] = conv(3, 3, 3, groups=3, padding=1)
    c["conv-depthwise-multiplier"] = conv(3, 6, 3, groups=3)
    c["conv-depthwise-stride-1x2"] = conv(3, 3, 3, groups=3, stride=(1, 2))
    c["conv-grey"] = conv(1, 4, 3, shape=GREY)
    c["conv-batchnorm"] = conv(3, 4, 3, then=(nn.BatchNorm2d(4), nn.ReLU()))
    c["conv-batchnorm-eps"] = conv(3, 4, 3, bias=False, then=(nn.BatchNorm2d(4, eps=1e-2), nn.ReLU6()))
    c["conv-batchnorm-plain"] = conv(3, 4, 3, then=(nn.BatchNorm2d(4, affine=False), nn.ReLU()))
    c["conv-relu-batchnorm"] = conv(3, 4, 3, then=(nn.ReLU(), nn.BatchNorm2d(4)))
    c["conv-relu-batchnorm-conv-padded"] = conv(
        3, 4, 3, then=(nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
    )
    c["conv-reflect"] = conv(3, 4, 3, padding=1, padding_mode="reflect")
    c["zeropad"] = IMAGE, nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), *head(4))
    c["conv1d"] = (
        SIGNAL,
        nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(32, 5)),
    )
    c["conv1d-global"] = SIGNAL, nn.Sequential(nn.Conv1d(2, 4, 3, stride=2), nn.BatchNorm1d(4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 5))  # fmt: skip
    c["conv1d-max"] = (
        SIGNAL,
        nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(28, 5)),
    )

    c["linear"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))
    c["linear-no-bias"] = FLAT, nn.Sequential(nn.Linear(12, 8, bias=False), nn.ReLU(), nn.Linear(8, 5, bias=False))
    c["linear-batchnorm"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))
    c["linear-relu-batchnorm"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 5))
    c["linear-softmax"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5), nn.Softmax(dim=1))
    c["linear-logsoftmax"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5), nn.LogSoftmax(dim=-1))
    c["linear-dropout"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 5))
    c["flatten-grey"] = GREY, nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 5))
    c["flatten-colour"] = IMAGE, nn.Sequential(nn.Flatten(), nn.Linear(240, 8), nn.ReLU(), nn.Linear(8, 5))
    c["flatten-maps"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(192, 5))
    c["flatten-view"] = (
        IMAGE,
        Of(lambda x, a, b: b(F.relu(a(x)).view(x.shape[0], -1)), nn.Conv2d(3, 4, 3), nn.Linear(192, 5)),
    )
    c["flatten-batchnorm"] = (
        IMAGE,
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.BatchNorm1d(192), nn.ReLU(), nn.Linear(192, 5)),
    )
    c["flatten-relu-batchnorm"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(192), nn.Linear(192, 5))  # fmt: skip
    c["flatten-dropout"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Dropout2d(), nn.Flatten(), nn.Dropout(), nn.Linear(192, 5))  # fmt: skip
    c["unflatten"] = (64,), nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3), nn.ReLU(), *head(4))
    c["unflatten-colour"] = (12,), nn.Sequential(nn.Linear(12, 192), nn.ReLU(), nn.Unflatten(1, (3, 8, 8)), nn.Flatten(), nn.Linear(192, 5))  # fmt: skip
    c["squeeze"] = IMAGE, Of(lambda x, a, b: b(F.adaptive_avg_pool2d(F.relu(a(x)), 1).squeeze(-1).squeeze(-1)), nn.Conv2d(3, 4, 3), nn.Linear(4, 5))  # fmt: skip
    c["mean"] = IMAGE, Of(lambda x, a, b: b(F.relu(a(x)).mean((2, 3))), nn.Conv2d(3, 4, 3), nn.Linear(4, 5))
    c["mean-keepdim"] = IMAGE, Of(lambda x, a, b: b(F.relu(a(x)).mean((2, 3), keepdim=True)).flatten(1), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 1))  # fmt: skip
    c["mean-rows"] = IMAGE, Of(lambda x, a, b: b(F.relu(a(x)).mean(2).flatten(1)), nn.Conv2d(3, 4, 3), nn.Linear(32, 5))
    c["conv-head"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())  # fmt: skip
    c["channels-last-linear"] = IMAGE, Of(lambda x, a, b, d: d(F.relu(b(F.relu(a(x)).permute(0, 2, 3, 1))).mean((1, 2))), nn.Conv2d(3, 4, 3), nn.Linear(4, 6), nn.Linear(6, 5))  # fmt: skip
    c["channels-last-flatten"] = IMAGE, Of(lambda x, a, b: b(F.relu(a(x)).permute(0, 2, 3, 1).flatten(1)), nn.Conv2d(3, 4, 3), nn.Linear(192, 5))  # fmt: skip

    c["avgpool2"] = pooled(nn.AvgPool2d(2))
    c["avgpool3-stride2"] = pooled(nn.AvgPool2d(3, stride=2))
    c["avgpool3-padding1"] = pooled(nn.AvgPool2d(3, stride=1, padding=1))
    c["avgpool2-padding1"] = pooled(nn.AvgPool2d(2, padding=1))
    c["avgpool3-padding1-uncounted"] = pooled(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))
    c["avgpool-oblong"] = pooled(nn.AvgPool2d((2, 1)))
    c["avgpool-ceil"] = pooled(nn.AvgPool2d(3, stride=2, ceil_mode=True))
    c["adaptive-avgpool2"] = (
        IMAGE,
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)),
    )
    c["maxpool2"] = pooled(nn.MaxPool2d(2))
    c["maxpool3-stride2-padding1"] = pooled(nn.MaxPool2d(3, stride=2, padding=1))
    c["maxpool3-ceil"] = pooled(nn.MaxPool2d(3, stride=2, ceil_mode=True))
    c["maxpool-negative"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(), *head(4))
    c["maxpool-negative-padded"] = (
        IMAGE,
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(3, stride=1, padding=1), nn.ReLU(), *head(4)),
    )
    c["adaptive-maxpool"] = (
        IMAGE,
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 5)),
    )

    for activation in (
        nn.ReLU(), nn.ReLU6(), nn.Hardtanh(0, 4), nn.Hardtanh(), nn.LeakyReLU(0.1), nn.PReLU(), nn.PReLU(4), nn.ELU(), nn.ELU(0.5),
        nn.SELU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(),
        nn.Softsign(), nn.Identity(), nn.GELU("tanh"), nn.CELU(), nn.Threshold(0, 0),
    ):  # fmt: skip
        c[f"activation-{activation}".replace(" ", "")] = activated(activation)
    c["clamp-min"] = activated(Of(lambda x: x.clamp(min=0)))
    c["clamp-max"] = activated(Of(lambda x: F.relu(x).clamp(max=0.5)))

    c["residual"] = IMAGE, Residual()
    c["residual-subtracted"] = IMAGE, Residual(torch.sub)
    c["residual-multiplied"] = IMAGE, Residual(torch.mul)
    c["residual-maximum"] = IMAGE, Residual(torch.maximum)
    c["residual-concatenated"] = IMAGE, Of(
        lambda x, a, b, last: last(torch.cat([F.relu(a(x)), F.relu(b(x))], 1)),
        nn.Conv2d(3, 4, 3), nn.Conv2d(3, 2, 3), nn.Sequential(*head(6)),
    )  # fmt: skip
    c["flat-concatenated"] = IMAGE, Of(
        lambda x, a, b, last: last(torch.cat([F.relu(a(x)).flatten(1), F.relu(b(x)).flatten(1)], 1)),
        nn.Conv2d(3, 4, 3), nn.Conv2d(3, 2, 5), nn.Linear(192 + 48, 5),
    )  # fmt: skip
    c["excited"] = IMAGE, Excited(nn.Sigmoid())
    c["shuffled"] = IMAGE, Of(shuffled, nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Sequential(*head(4)))
    c["halves"] = IMAGE, Of(halves, nn.Conv2d(3, 4, 3), nn.Conv2d(2, 2, 3, padding=1), nn.Sequential(*head(4)))
    c["sliced"] = (
        IMAGE,
        Of(lambda x, a, last: last(F.relu(a(x))[:, 1:, 1:-1]), nn.Conv2d(3, 4, 3), nn.Sequential(*head(3))),
    )
    c["twice"] = IMAGE, Of(lambda x, a, b, last: last(F.relu(b(F.relu(b(F.relu(a(x))))))), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Sequential(*head(4)))  # fmt: skip

    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), *head(4))
    c["preprocessed"] = IMAGE, Of(lambda x, net: net((x - mean) / std), net)
    c["preprocessed-one"] = IMAGE, Of(lambda x, net: net((x - 0.5) / 0.25), net)
    c["preprocessed-255"] = IMAGE, Of(lambda x, net: net(x / 255), net)
    c["scaled"] = (
        IMAGE,
        Of(lambda x, a, last: last(F.relu(2 * a(x) + 0.1)), nn.Conv2d(3, 4, 3), nn.Sequential(*head(4))),
    )
    c["scaled-relu"] = (
        IMAGE,
        Of(lambda x, a, last: last(F.relu(a(x)) * 0.5 - 0.1), nn.Conv2d(3, 4, 3), nn.Sequential(*head(4))),
    )
    c["scaled-back"] = IMAGE, Of(lambda x, a, last: last(F.relu(1 - a(x))), nn.Conv2d(3, 4, 3), nn.Sequential(*head(4)))
    c["scaled-shared"] = IMAGE, Of(lambda x, a, last: last(F.relu(a(x) + 0.1) + F.relu(a(x) * 2)), nn.Conv2d(3, 4, 3), nn.Sequential(*head(4)))  # fmt: skip
    c["negated"] = IMAGE, Of(lambda x, a, last: last(F.relu(-a(x))), nn.Conv2d(3, 4, 3), nn.Sequential(*head(4)))
    c["layernorm"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 5))
    c["groupnorm"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), *head(4))
    c["upsampled"] = IMAGE, nn.Sequential(nn.Conv2d(3, 4, 3), nn.Upsample(scale_factor=2), nn.ReLU(), *head(4))
    c["transposed"] = IMAGE, nn.Sequential(nn.ConvTranspose2d(3, 4, 3, stride=2), nn.ReLU(), *head(4))
    c["lstm"] = SIGNAL, Of(lambda x, a, b: b(a(x)[0][:, -1]), nn.LSTM(16, 4, batch_first=True), nn.Linear(4, 5))
    c["one-sigmoid"] = FLAT, nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    return c


def settle(module, generator):
    """Statistics and slopes that are not those of a fresh module, and numbers that pack well: multiples of 1 / 64."""
    for each in module.modules():
        if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d):
            each.running_mean.uniform_(-0.3, 0.3, generator=generator)
            each.running_var.uniform_(0.3, 2, generator=generator)
            if each.affine:
                each.weight.data.uniform_(-1, 1.5, generator=generator)
                each.bias.data.uniform_(-0.5, 0.5, generator=generator)
    for values in (*module.parameters(), *(each for each in module.buffers() if each.is_floating_point())):
        values.data = torch.round(values.data * 64) / 64


def bare(content):
    """An export without the notes of where in a program each node comes from, which are most of it."""
    model = onnx.load_model_from_string(content)
    del model.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for each in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        each.doc_string = ""
        del each.metadata_props[:]
    return model.SerializeToString()


def exported(module, x, how):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "m.onnx"
        if how == "old":
            torch.onnx.export(module, (x[:1],), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}})
        elif how == "fixed":
            torch.onnx.export(module, (x[:1],), path, external_data=False, verbose=False)
        else:
            shapes = ({0: torch.export.Dim("n", min=1, max=64)},)
            torch.onnx.export(module, (x,), path, external_data=False, dynamic_shapes=shapes, verbose=False)
        return bare(path.read_bytes())


def main():
    with zipfile.ZipFile(HERE / "exports-torch.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        torch.manual_seed(3)
        generator = torch.Generator().manual_seed(5)
        for name, (shape, module) in cases().items():
            settle(module, generator)
            module.eval()
            x = torch.randint(0, 256, (2, *shape), generator=generator) / 256
            with torch.no_grad():
                y = module(x)
            for how in ("fixed", "old", *(["dynamic"] if name in DYNAMIC else [])):
                try:
                    content = exported(module, x, how)
                except Exception as error:
                    sys.stderr.write(f"{name}, {how}: {type(error).__name__}\n")
                    continue
                stem = f"{name}-{how}".replace("/", "")
                data = io.BytesIO()
                np.savez(data, x=(x.numpy() * 256).astype(np.uint8), y=y.numpy())
                for path, content_of in ((f"{stem}.onnx", content), (f"{stem}.npz", data.getvalue())):
                    info = zipfile.ZipInfo(path)  # the same bytes whenever it is run
                    archive.writestr(info, content_of, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main()
