"""The pause image: one tiny static program, shipped with podling and imported into the engine without a registry."""
