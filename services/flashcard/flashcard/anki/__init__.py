"""Anki's packages: reading what Anki exported, whatever its age, and writing what Anki opens."""
