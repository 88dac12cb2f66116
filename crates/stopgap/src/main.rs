//! The stopgap binary.

fn main() {}
