"""Which skills there are, under which names, in which groups."""
