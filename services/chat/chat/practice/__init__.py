"""Practice questions on a topic, with their answers."""
