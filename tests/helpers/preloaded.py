"""Everything that a service or a worker loads by and by, loaded: processes that are forked from this one have it."""

from __future__ import annotations

import gc

import openvino

import regard.gallery.index.kernel
import regard.jobs.engine
import regard.server
import regard.vision.models.conversion
from regard.operations.common import registry

assert all((openvino, regard.gallery.index.kernel, regard.jobs.engine, regard.server, regard.vision.models.conversion))
registry.ours()
# It stays: no collection of garbage, of whichever process, need walk it, and copy its pages so.
gc.freeze()
