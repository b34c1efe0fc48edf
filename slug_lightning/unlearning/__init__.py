"""The gradient pass and the LightningModule that runs it."""
