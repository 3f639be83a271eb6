"""Sessions that check whether somebody is before the camera: one use, three minutes, and then nothing of them."""
