"""Active Recall: asks from the material, waits, grades, and goes on where the student is weak."""
