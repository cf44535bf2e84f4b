"""Generates what is committed under `contracts/` from the code: `python -m contract_documents [--check]`."""
