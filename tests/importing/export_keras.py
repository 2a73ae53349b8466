# ruff: noqa: E501
"""Write `exports-keras.zip`: small Keras models exported by Keras 3.15 through tf2onnx.

Needs `pip install tf2onnx` beside snnviz, then `python tests/importing/export_keras.py`. The archive is as that of `export_torch.py`.
"""

import io
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers as kl

HERE = Path(__file__).parent
IMAGE = (8, 10, 3)


def model(*inner, shape=IMAGE):
    return keras.Sequential([keras.Input(shape), *inner])


def residual():
    given = keras.Input(IMAGE)
    x = kl.ReLU()(kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same")(given)))
    y = kl.Conv2D(4, 3, padding="same")(kl.ReLU()(kl.Conv2D(4, 3, padding="same")(x)))
    return keras.Model(given, kl.Dense(5)(kl.GlobalAveragePooling2D()(kl.ReLU()(kl.Add()([x, y])))))


def cases():
    head = lambda: (kl.GlobalAveragePooling2D(), kl.Dense(5))  # noqa: E731
    return {
        "dense": model(kl.Dense(8, "relu"), kl.Dense(5, "softmax"), shape=(12,)),
        "flatten": model(kl.Flatten(), kl.Dense(8, "relu"), kl.Dense(5)),
        "conv-flatten": model(kl.Conv2D(4, 3, activation="relu"), kl.Flatten(), kl.Dense(5)),
        "conv-same": model(kl.Conv2D(4, 3, strides=2, padding="same", activation="relu"), *head()),
        "conv-batchnorm": model(kl.Conv2D(4, 3), kl.BatchNormalization(), kl.ReLU(6.0), *head()),
        "depthwise": model(kl.DepthwiseConv2D(3, padding="same"), kl.ReLU(), kl.Conv2D(4, 1), kl.ReLU(), *head()),
        "separable": model(kl.SeparableConv2D(4, 3), kl.ReLU(), *head()),
        "zero-padding": model(kl.ZeroPadding2D(((0, 1), (0, 1))), kl.Conv2D(4, 3, strides=2), kl.ReLU(), *head()),
        "average-pooling": model(kl.Conv2D(4, 3), kl.ReLU(), kl.AveragePooling2D(2), kl.Flatten(), kl.Dense(5)),
        "average-pooling-same": model(kl.Conv2D(4, 3), kl.ReLU(), kl.AveragePooling2D(3, 2, "same"), *head()),
        "max-pooling": model(kl.Conv2D(4, 3), kl.ReLU(), kl.MaxPooling2D(2), *head()),
        "rescaling": model(kl.Rescaling(1 / 127.5, -1), kl.Conv2D(4, 3), kl.ReLU(), *head()),
        "normalization": model(
            kl.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.04, 0.09, 0.16]), kl.Conv2D(4, 3), kl.ReLU(), *head()
        ),
        "dense-of-maps": model(kl.Conv2D(4, 3), kl.ReLU(), kl.Dense(6, "relu"), *head()),
        "reshape": model(kl.Reshape((8, 8, 1)), kl.Conv2D(4, 3), kl.ReLU(), *head(), shape=(64,)),
        "dropout": model(kl.Conv2D(4, 3), kl.ReLU(), kl.Dropout(0.2), kl.Flatten(), kl.Dense(5)),
        "leaky-relu": model(kl.Conv2D(4, 3), kl.LeakyReLU(0.1), *head()),
        "elu": model(kl.Conv2D(4, 3, activation="elu"), *head()),
        "sigmoid": model(kl.Conv2D(4, 3, activation="sigmoid"), *head()),
        "conv1d": model(
            kl.Conv1D(4, 3, padding="same"), kl.ReLU(), kl.GlobalAveragePooling1D(), kl.Dense(5), shape=(16, 2)
        ),
        "residual": residual(),
    }


def settle(made, rng):
    for values in made.variables:
        shape, name = values.shape, values.path
        if "variance" in name and "normalization" in name and len(shape) == 1:
            values.assign(rng.integers(20, 128, shape) / 64)
        elif values.dtype == "float32":
            values.assign(rng.integers(-32, 33, shape) / 64)


def main():
    rng = np.random.default_rng(7)
    with zipfile.ZipFile(HERE / "exports-keras.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, made in cases().items():
            settle(made, rng)
            x = rng.integers(0, 256, (2, *made.input_shape[1:])).astype(np.uint8)
            y = np.asarray(made(x.astype(np.float32) / 256, training=False))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "m.onnx"
                made.export(path, format="onnx", verbose=False)
                content = path.read_bytes()
            data = io.BytesIO()
            np.savez(data, x=x, y=y)
            for file, held in ((f"{name}-keras.onnx", content), (f"{name}-keras.npz", data.getvalue())):
                archive.writestr(zipfile.ZipInfo(file), held, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main()
