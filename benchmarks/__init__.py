"""Speed, as medians of ratios in one run: `make bench`, or `python -m benchmarks NAME … --write`."""
