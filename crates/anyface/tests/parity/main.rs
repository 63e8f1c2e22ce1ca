//! Networks against their reference implementations, by what is public.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

// The library's own tests read fixtures too; `weights` stands where it does there.
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
