//! The Telemetry API: subscription, and the listener that takes its deliveries.
