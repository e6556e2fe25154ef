//! What the codecs promise: what is written is read, damage is noticed, any bytes are taken.

mod any_bytes;
mod can_not_be;
mod damage;
mod edges;
mod fixed;
mod make;
mod round_trip;
