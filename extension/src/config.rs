//! The environment, read once: every variable of the extension, its default and its meaning.
