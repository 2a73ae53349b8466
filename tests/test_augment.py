import numpy as np

from snnviz._augment import shifted


def test_images_are_shifted_whole():
    images = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 1)
    moved = shifted(images, np.array([[1, 2], [1, 0]]), 1)
    np.testing.assert_array_equal(moved[0], images[0])
    np.testing.assert_array_equal(moved[1, :2, 1:, 0], images[1, 1:, :2, 0])
    assert not moved[1, 2].any()
    assert not moved[1, :, 0].any()
