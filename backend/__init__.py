"""Filage: planning for production companies and the people who work for several of them."""

__version__ = "0.1.0"
