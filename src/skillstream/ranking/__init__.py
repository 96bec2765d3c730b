"""From sentences and their vectors to ranked tags with confidence."""
