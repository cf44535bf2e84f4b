"""What `mesh_bench.py` measures, a module for each question."""
