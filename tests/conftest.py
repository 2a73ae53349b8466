"""Shared by all tests."""

import os

# before anything imports them: quiet start-up, no GPU hunting
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
