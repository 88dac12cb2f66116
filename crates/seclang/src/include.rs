//! `Include` and `IncludeOptional`: other files, read by whoever has files.

/// Finds and reads the files that rules include. This crate opens none itself.
pub trait Files {
    /// The files that a pattern means, in order of their names; none if it means none.
    ///
    /// The pattern may hold `*`, `?` and `[…]`, and is relative to the folder of
    /// the file in `from`, in which it was written. A name names one file only.
    ///
    /// # Errors
    /// For people: the folder cannot be read, or the pattern leads where it may not.
    fn find(&self, pattern: &str, from: &str) -> Result<Vec<String>, String>;

    /// The text of a file that [`find`](Self::find) named.
    ///
    /// # Errors
    /// For people: it cannot be read, or is no UTF-8.
    fn read(&self, name: &str) -> Result<String, String>;
}

/// For texts that include nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn find(&self, _: &str, _: &str) -> Result<Vec<String>, String> {
        Err("no files are at hand here".to_owned())
    }

    fn read(&self, _: &str) -> Result<String, String> {
        Err("no files are at hand here".to_owned())
    }
}
