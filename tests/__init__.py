"""The tests, one folder a room, as the sources stand."""

import os

# The workers and services of a run fill the cores by being many. Threads of the linear algebra beside them wait for one
# another: a rotation of 512 dimensions took six times the processor's time. Read when numpy is imported, hence here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
