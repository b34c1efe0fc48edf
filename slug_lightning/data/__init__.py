"""Reading pairs and evaluation images: shards, groups, identities, classes."""
