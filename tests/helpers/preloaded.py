"""Everything that a service or a worker loads by and by, loaded: processes that are forked from this one have it."""

from __future__ import annotations

import gc
import threading

import regard.gallery.index.kernel
import regard.jobs.engine
import regard.server
import regard.vision.models.conversion
from regard.operations.common import registry
from regard.vision.models.runtime import opened_openvino

assert all((regard.gallery.index.kernel, regard.jobs.engine, regard.server, regard.vision.models.conversion))
registry.ours()
opened_openvino()
# What is forked beside a thread that holds a lock, as one that imports does, waits for that lock for ever.
assert threading.active_count() == 1, threading.enumerate()
# It stays: no collection of garbage, of whichever process, need walk it, and copy its pages so.
gc.freeze()
