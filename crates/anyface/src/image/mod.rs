//! Pictures: from tensors, side by side, and to files.

mod animate;
mod convert;
mod save;
mod sheet;

pub use animate::save_animation;
pub use convert::{to_rgb, to_tensor};
pub use save::save_png;
pub use sheet::contact_sheet;
