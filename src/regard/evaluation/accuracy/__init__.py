"""How right the face model is: verification, identification, detection, calibration."""
