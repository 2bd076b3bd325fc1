"""What telemetry costs the gateway."""
