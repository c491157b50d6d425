//! Client of the Extensions API: register, next, error reports.
