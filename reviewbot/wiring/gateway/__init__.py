"""Puts the gateway together: who may ask, over which clients."""
