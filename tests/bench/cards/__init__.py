"""What is measured of flashcard, on one mesh with very many cards."""
