"""`python -m gateway api`"""

from chassis.service import run

from gateway.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
