//! The pure state machine of an execution environment: events and the time in, effects out.
