//! Parity of networks with their reference implementations, through the public API.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

// The library's own tests share the fixtures; `weights` has the same path there.
use anyface::weights;
mod efficientnet;
#[path = "../../src/parity.rs"]
mod fixture;
mod inception;
mod lpips;
mod mapper;
mod mobile_face_net;
mod prior;
mod yunet;
