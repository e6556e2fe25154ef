//! Tenants: what goes through one's handle is as if there were nobody else.

mod alike;
mod calls;
mod names;
mod sides;
