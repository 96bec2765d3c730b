"""Where bytes lie: local folders, object stores, input files, the user's cache."""
