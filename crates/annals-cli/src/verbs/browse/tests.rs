//! Keys in, screen out, without a terminal.
