//! What stands at a byte of a file: the structures that have it, found from the outside in.

mod find;
mod log;
mod records;
mod run;
mod unnamed;

pub use find::dissect;

#[cfg(test)]
mod tests;
