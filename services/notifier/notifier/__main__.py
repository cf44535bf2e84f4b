"""`python -m notifier <role or command> …`"""

from chassis.service import run

from notifier.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
