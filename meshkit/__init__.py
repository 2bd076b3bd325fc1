"""What every service stands on: errors, settings, gRPC, NATS, outbox, database, objects, telemetry, running."""
