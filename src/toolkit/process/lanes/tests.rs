//! See the tests of the queue, which go through all of it.
