"""Cards that a student may want to keep, proposed from a document or from what was studied in a session."""
