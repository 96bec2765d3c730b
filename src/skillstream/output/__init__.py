"""The contract with readers: folders, files, run.json, and the chain that makes every row appear once."""
