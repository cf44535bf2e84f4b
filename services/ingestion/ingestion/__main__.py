"""`python -m ingestion <role or command> …`"""

from chassis.service import run

from ingestion.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
