"""The skills index: vectors of a taxonomy's labels for one model, in a versioned folder."""
