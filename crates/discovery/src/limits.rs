//! What sources may say.

use crate::Problem;

/// Bounds on what is read; beyond them a source is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One source, in bytes.
    pub source_bytes: usize,
    /// Ingress points, or applications, of one reading.
    pub points: usize,
    /// Ways to applications of one ingress point; also what is multiplied out to get there.
    pub paths: usize,
    /// Remarks of one reading; further ones are counted.
    pub notes: usize,
    /// Blocks within blocks of a configuration.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 8 * 1024 * 1024,
            points: 1000,
            paths: 5000,
            notes: 200,
            depth: 32,
        }
    }
}

impl Limits {
    /// Whether there are no more than may be.
    pub(crate) fn within(&self, what: &str, count: usize, most: usize) -> Result<(), Problem> {
        match count > most {
            true => Err(Problem(format!(
                "{count} {what} are too many for one reading, {most} are allowed: name fewer files"
            ))),
            false => Ok(()),
        }
    }
}
