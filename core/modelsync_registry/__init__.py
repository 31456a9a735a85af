"""A model registry to host oneself: it speaks BentoCloud's wire contract, and knows nothing of the engine."""
