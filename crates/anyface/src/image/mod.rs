//! Pictures: from tensors, side by side, and to files.

mod convert;
mod save;
mod sheet;

pub use convert::{to_rgb, to_tensor};
pub use save::save_png;
pub use sheet::contact_sheet;
