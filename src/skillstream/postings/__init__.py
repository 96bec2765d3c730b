"""Bytes of a record to a posting, its plain text, sentences and sections."""
