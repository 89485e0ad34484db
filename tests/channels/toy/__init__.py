"""A channel that does not exist, added as CONTRIBUTING.md says: it proves that the page is right."""
