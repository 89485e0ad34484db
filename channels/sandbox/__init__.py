"""Doubles of the providers and simulated phones: one small real server, for training and tests.

Imports only `config` and the pure part of `store`, never the adapters it stands opposite to.
"""
