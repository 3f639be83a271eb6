"""Liveness, measured: sessions of people and of attacks, rendered with lights, noise and compression, and judged."""
