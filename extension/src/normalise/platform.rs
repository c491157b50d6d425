//! What the platform's events become: spans, metrics, lines.
