"""Labels of one's own: heads on frozen features, trained in seconds, with what they are worth on pictures left out."""
