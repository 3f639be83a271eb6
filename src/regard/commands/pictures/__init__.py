"""Commands on pictures: detect, compare, the demo, evaluation, audits, and the weights behind them."""
