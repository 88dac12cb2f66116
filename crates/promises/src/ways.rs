//! What others wrote of how traffic reaches applications.

use discovery::{Limits, Source};

/// Reads, or says why not; what is read is bounded, and each remark has its source.
pub(crate) fn read(kind: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = Limits {
        paths: 100,
        points: 10,
        notes: 20,
        ..Limits::default()
    };
    let source = Source {
        name: "s",
        text: &text,
    };
    match discovery::read(kind, &[source], &limits) {
        Err(problem) => assert!(!problem.to_string().is_empty(), "a problem says nothing"),
        Ok(found) => {
            assert!(found.points.len() <= limits.points, "too many points");
            assert!(found.notes.len() <= limits.notes + 1, "too many remarks");
            for path in found.points.iter().flat_map(|point| &point.paths) {
                assert!(path.prefix.starts_with('/'), "{path:?}");
                assert!(!path.host.is_empty(), "{path:?}");
            }
        }
    }
}
