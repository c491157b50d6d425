//! Which records belong to which invocation, and which trace an invocation belongs to.
