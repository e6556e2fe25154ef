//! Keys in, screen out, without a terminal.

mod driver;

mod events;
mod moving;
mod prompts;
mod screens;
mod streams;
