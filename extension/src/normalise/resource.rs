//! The resource attributes that every signal of this environment carries.
