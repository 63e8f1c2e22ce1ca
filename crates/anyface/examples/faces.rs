//! Makes a contact sheet of the aligned faces in pictures.
//!
//! ```sh
//! cargo run --release -p anyface --example faces -- sheet.png picture.jpg ...
//! ```
//!
//! Prints one line per face, largest first: file, left, top, width, height, five points, score.
//! `tools/parity/detect.py` prints the same with OpenCV. The sheet shows the largest face of each
//! picture.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use anyface::image::{contact_sheet, save_png};
use anyface::photograph::{Detector, Photograph};

const SIDE: u32 = 128;
const COLUMNS: usize = 20;

fn main() -> Result<(), anyface::Error> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(sheet), Some(detector)) = (arguments.next(), Detector::find(None)?) else {
        println!("usage: faces <sheet.png> <picture> ...");
        return Ok(());
    };
    let mut aligned = Vec::new();
    for path in arguments {
        let path = Path::new(&path);
        match Photograph::open(path, Some(&detector), 0, SIDE) {
            Ok(photograph) => {
                for face in photograph.found.iter().flatten() {
                    let numbers =
                        [&face.bounds, face.points.as_flattened(), &[face.score]].concat();
                    let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:.3}")).collect();
                    println!("{} {}", path.display(), numbers.join(" "));
                }
                aligned.push(photograph.face);
            }
            Err(error) => println!("{error}"),
        }
    }
    match aligned.is_empty() {
        true => Ok(()),
        false => save_png(&contact_sheet(&aligned, COLUMNS), Path::new(&sheet)),
    }
}
