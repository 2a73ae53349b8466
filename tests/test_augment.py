import numpy as np

from snnviz._augment import mirrored, shifted


def test_images_are_shifted_whole():
    images = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 1)
    moved = shifted(images, np.array([[1, 2], [1, 0]]), 1)
    np.testing.assert_array_equal(moved[0], images[0])
    np.testing.assert_array_equal(moved[1, :2, 1:, 0], images[1, 1:, :2, 0])
    assert not moved[1, 2].any()
    assert not moved[1, :, 0].any()


def test_chosen_images_are_mirrored():
    images = np.arange(2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2)
    found = mirrored(images, np.array([False, True]))
    np.testing.assert_array_equal(found[0], images[0])
    np.testing.assert_array_equal(found[1], images[1, :, ::-1])
