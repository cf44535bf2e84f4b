"""`python -m flashcard <role or command> …`"""

from chassis.service import run

from flashcard.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
