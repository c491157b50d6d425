//! The Telemetry API's wire types, read record by record so that an odd one never costs its batch.
