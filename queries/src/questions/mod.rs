//! One file a question: its parameters, its answer, its SQL.
