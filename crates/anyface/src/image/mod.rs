//! Pictures: from tensors, side by side, and to files that say how they were made.

mod animate;
mod convert;
mod mark;
mod save;
mod sheet;
mod xmp;

pub use animate::save_animation;
pub use convert::{to_rgb, to_tensor};
pub use mark::{Mark, encode_jpeg, encode_png, read_mark};
pub use save::{save_marked, save_png};
pub use sheet::contact_sheet;
