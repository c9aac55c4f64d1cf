"""Language models: adapters, prices, and what stands between them and the loop."""
