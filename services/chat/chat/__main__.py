"""`python -m chat <role or command> …`"""

from chassis.service import run

from chat.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
