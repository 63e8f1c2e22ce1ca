//! Runs that must agree to the bit. Nothing else in this binary draws random weights.

mod gan;
mod resume;
