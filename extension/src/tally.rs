//! The ledger: for every signal, received = delivered + pending + dropped by reason.
