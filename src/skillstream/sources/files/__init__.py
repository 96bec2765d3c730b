"""Files as chunks of records: inputs, the plan that cuts them, a decoder and a reader for each format."""
