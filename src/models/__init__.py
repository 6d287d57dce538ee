"""Language models: providers, the embedded one, structured output, accounting."""
