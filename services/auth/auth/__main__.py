"""`python -m auth <role or command> …`"""

from chassis.service import run

from auth.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
