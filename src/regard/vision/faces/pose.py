"""Which way a head is turned: a rigid fit of the mesh to a face that looks straight ahead."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Pose

# Points of the mesh that expressions hardly move: corners of the eyes, bridge and base of the nose, temples,
# forehead. Their places on a face that looks straight ahead are the mean over 100 of 255 generated portraits whose
# nose stood midway between the eyes, made symmetric; the unit is the distance of the outer corners of the eyes.
_FRONTAL = {
    33: (-0.499, -0.027, 0.059),
    263: (0.499, -0.027, 0.059),
    133: (-0.192, -0.011, 0.002),
    362: (0.192, -0.011, 0.002),
    168: (0.0, -0.079, -0.188),
    6: (0.0, 0.002, -0.239),
    1: (0.0, 0.402, -0.427),
    2: (0.0, 0.472, -0.254),
    98: (-0.197, 0.437, -0.164),
    327: (0.197, 0.437, -0.164),
    127: (-0.779, 0.044, 0.607),
    356: (0.779, 0.044, 0.607),
    10: (0.0, -0.627, -0.133),
    54: (-0.657, -0.403, 0.220),
    284: (0.657, -0.403, 0.220),
    9: (0.0, -0.249, -0.205),
}
_STABLE = list(_FRONTAL)
_STRAIGHT = np.array(list(_FRONTAL.values())) - np.mean(list(_FRONTAL.values()), axis=0)


def rotation(mesh: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rotation (3, 3) that turns a face looking straight ahead into this mesh (468, 3).

    Least squares over rotation, scale and shift, as of Kabsch, "A solution for the best rotation to relate two
    sets of vectors" (1976).
    """
    seen = mesh[_STABLE] - mesh[_STABLE].mean(axis=0)
    left, _, right = np.linalg.svd(seen.T @ _STRAIGHT)
    upright = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turned: NDArray[np.float64] = left @ upright @ right
    return turned


def pose(mesh: NDArray[np.floating]) -> Pose:
    """Yaw and pitch are where the nose points, roll how the line of the eyes lies in the picture."""
    turned = rotation(mesh)
    x, y, z = -turned[:, 2]
    return Pose(
        yaw=math.degrees(math.atan2(x, -z)),
        pitch=math.degrees(math.asin(np.clip(-y, -1, 1))),
        roll=math.degrees(math.atan2(turned[1, 0], turned[0, 0])),
    )
