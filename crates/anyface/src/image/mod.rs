//! Pictures: from files and tensors, at other sizes, side by side, and to files.

mod animate;
mod convert;
mod decode;
mod resample;
mod save;
mod sheet;

pub use animate::save_animation;
pub use convert::{to_rgb, to_tensor};
pub use decode::{MAX_FILE, MAX_PIXELS, decode_picture, read_picture};
pub use resample::{Filter, resize, resize_bicubic_tensor};
pub use save::save_png;
pub use sheet::contact_sheet;
