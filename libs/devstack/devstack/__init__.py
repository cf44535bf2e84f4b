"""Real PostgreSQL, Redis and RabbitMQ for a developer's machine and for tests, and the supervisor behind `make run`."""
