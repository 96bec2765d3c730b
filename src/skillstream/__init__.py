"""Which skills does every job posting ask for?"""

__version__ = "0.1.0"
