//! Reading: mapped, by reading, and in memory; with segments of usual size and tiny ones.

mod cold;
mod fields;
mod home;
mod ranges;
mod sizes;
mod views;
