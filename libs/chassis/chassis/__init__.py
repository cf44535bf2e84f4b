"""What every service stands on: settings, logs, telemetry, errors, database, identity, health, and how a process runs."""
