//! Lists the documents of `catalogue/`, which become part of the program.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../catalogue");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut list = String::from("&[\n");
    for folder in sorted(&root)?.iter().filter(|path| path.is_dir()) {
        for file in sorted(folder)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let name = Path::new("catalogue").join(file.strip_prefix(&root)?);
                writeln!(list, "({name:?}, include_str!({file:?})),")?;
            }
        }
    }
    list.push_str("]\n");
    let out = Path::new(&std::env::var("OUT_DIR")?).join("catalogue.rs");
    fs::write(out, list)?;
    Ok(())
}

fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
