//! Pictures: from files and tensors, at other sizes, side by side, and to files that say how they were made.

mod animate;
mod color;
mod convert;
mod decode;
mod format;
mod mark;
mod resample;
mod save;
mod sheet;
mod xmp;

pub use animate::save_animation;
pub use color::Color;
pub use convert::{to_rgb, to_tensor};
pub(crate) use decode::read_file;
pub use decode::{MAX_FILE, MAX_PIXELS, decode_picture, decode_picture_within, read_picture};
pub use format::{JPEG_QUALITY, PictureFormat};
pub use mark::{Mark, encode_jpeg, encode_png, encode_webp, read_mark};
pub use resample::{Filter, resize, resize_bicubic_tensor};
pub use save::{save_marked, save_png};
pub use sheet::contact_sheet;
