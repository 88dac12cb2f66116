//! The readings that common servers give to the path of a request target.
//!
//! Sources: RFC 3986 section 5.2.4 (dot segments), RFC 9112 section 3.2
//! (absolute form); Tomcat and Jetty strip `;parameters`, IIS and Windows
//! builds take `\` for `/`, nginx merges slashes, some frameworks decode twice.
//!
//! And of its end: Windows drops dots, spaces and `::$DATA`, C's strings end at a zero, most
//! frameworks take or took a slash for nothing, Rails (`(.:format)`) and Spring before 5.3 an
//! extension such as `.json` for the format of the answer, and CGI (RFC 3875 section 4.1.5)
//! gives what follows a script's name to the script.

/// All distinct readings of one path, in lower case.
struct PathReadings {
    readings: Vec<Vec<u8>>,
}

/// How often a path is percent-decoded at most.
const DECODINGS: usize = 3;

/// A reading of a path.
pub(crate) enum Reading<'a> {
    Whole(&'a [u8]),
    /// The beginning of one that was told before: what servers drop at its end is gone.
    Cut(&'a [u8]),
}

/// Calls `each` with every reading. `buffer` is scratch: a path that all servers
/// read alike but for its end needs no other memory.
pub(crate) fn readings(target: &[u8], buffer: &mut Vec<u8>, each: &mut dyn FnMut(Reading<'_>)) {
    buffer.clear();
    buffer.extend(path_of(target).iter().map(u8::to_ascii_lowercase));
    let mut both = |path: &[u8]| {
        each(Reading::Whole(path));
        cuts(path, &mut |cut| each(Reading::Cut(cut)));
    };
    if is_ambiguous(buffer) {
        for reading in &PathReadings::of(buffer).readings {
            both(reading);
        }
    } else {
        both(buffer);
    }
}

/// What servers may drop at the end of a path.
const DROPPED: &[u8] = b"/. ";
/// The longest format of an answer that is told apart by its name, such as `json`.
const FORMAT: usize = 8;
/// Names of scripts end so; a server gives them what follows their name in a path.
pub const SCRIPTS: &[&str] = &[
    "php", "php3", "php4", "php5", "php7", "php8", "phtml", "phar", "cgi", "fcgi", "pl", "py",
    "rb", "sh", "asp", "aspx", "ashx", "asmx", "jsp", "jspx", "cfm", "cfc", "do",
];
/// Names of scripts in one path that may be the one that is meant.
const SCRIPTS_OF_PATH: usize = 8;

/// Calls `each` with the beginnings that servers may take for the path.
fn cuts(path: &[u8], each: &mut dyn FnMut(&[u8])) {
    // PERF: most paths hold nothing that is looked for below.
    let ends = path.last().is_some_and(|last| DROPPED.contains(last));
    if !ends && memchr::memchr3(b'.', b':', 0, path).is_none() {
        return;
    }
    let ended = trimmed(path);
    if ended.len() < path.len() {
        each(ended);
    }
    let mut whole = path;
    if let Some(at) = memchr::memchr(0, path) {
        whole = path.get(..at).unwrap_or_default();
    }
    // Streams of files on Windows.
    let mut colons = memchr::memchr_iter(b':', whole);
    let behind = |at: usize| whole.get(at..).unwrap_or_default();
    if let Some(at) = colons.find(|at| behind(*at).starts_with(b"::$")) {
        whole = whole.get(..at).unwrap_or_default();
    }
    let whole = trimmed(whole);
    if whole.len() < ended.len() {
        each(whole);
    }
    if let Some(named) = without_format(whole) {
        each(trimmed(named));
    }
    scripts(path).take(SCRIPTS_OF_PATH).for_each(each);
}

/// Without what may be dropped; the first byte stays.
fn trimmed(mut path: &[u8]) -> &[u8] {
    while let [shorter @ .., last] = path {
        if !DROPPED.contains(last) || shorter.is_empty() {
            break;
        }
        path = shorter;
    }
    path
}

/// Without a short extension, which may say how to answer, not what is asked for. Of two, the
/// first is of the name; a script is another one than what has its name without.
fn without_format(path: &[u8]) -> Option<&[u8]> {
    let dot = path
        .iter()
        .rev()
        .take(FORMAT + 1)
        .position(|&byte| byte == b'.')?;
    let at = path.len().checked_sub(dot + 1)?;
    let (named, format) = path.split_at_checked(at)?;
    let format = format.get(1..).unwrap_or_default();
    let fits =
        !format.is_empty() && format.iter().all(u8::is_ascii_alphanumeric) && !is_script(format);
    let name = named
        .rsplit(|&byte| byte == b'/')
        .next()
        .unwrap_or_default();
    (fits && !name.is_empty() && !name.contains(&b'.')).then_some(named)
}

fn is_script(extension: &[u8]) -> bool {
    SCRIPTS.iter().any(|script| script.as_bytes() == extension)
}

/// Up to each name of a script that a slash follows.
fn scripts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(b'.', path).filter_map(|dot| {
        let behind = path.get(dot + 1..)?;
        let length = behind.iter().take(6).position(|&byte| byte == b'/')?;
        let extension = behind.get(..length)?;
        is_script(extension).then(|| path.get(..=dot + length))?
    })
}

impl PathReadings {
    fn of(path: &[u8]) -> Self {
        let mut found = Self {
            readings: Vec::new(),
        };
        let mut decoded = path.to_vec();
        for _ in 0..=DECODINGS {
            // PERF: what is left of most paths, once decoded, is read alike.
            if !is_ambiguous(&decoded) {
                found.add(decoded);
                break;
            }
            let slashed: Vec<u8> = decoded
                .iter()
                .map(|&byte| if byte == b'\\' { b'/' } else { byte })
                .collect();
            let plain = without_parameters(&slashed);
            for reading in [
                normalised(&slashed),
                normalised(&plain),
                normalised(&as_on_windows(&slashed)),
                merged(&slashed),
                slashed,
                plain,
            ] {
                found.add(reading);
            }
            let next = percent_decoded(&decoded);
            let done = next == decoded;
            found.add(std::mem::replace(&mut decoded, next));
            if done {
                break;
            }
        }
        found
    }

    fn add(&mut self, reading: Vec<u8>) {
        if !self.readings.contains(&reading) {
            self.readings.push(reading);
        }
    }
}

/// The path of a request target in origin or absolute form, without query and fragment.
pub(crate) fn path_of(target: &[u8]) -> &[u8] {
    let scheme = match target.first() {
        Some(b'/') | None => None,
        Some(_) => memchr::memmem::find(target, b"://"),
    };
    let path = match scheme {
        None => target,
        Some(at) => {
            let after = target.get(at + 3..).unwrap_or_default();
            match memchr::memchr3(b'/', b'?', b'#', after) {
                Some(slash) => after.get(slash..).unwrap_or_default(),
                None => b"/",
            }
        }
    };
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    path.get(..end).unwrap_or(path)
}

/// The query of a request target, without `?` and fragment.
pub(crate) fn query_of(target: &[u8]) -> &[u8] {
    let query = match memchr::memchr(b'?', target) {
        Some(mark) => target.get(mark + 1..).unwrap_or_default(),
        None => b"",
    };
    // Clients keep fragments to themselves; a server that gets one may take it as query.
    query
}

fn is_ambiguous(path: &[u8]) -> bool {
    let next_to_another = |slash: usize| {
        let before = slash.checked_sub(1).and_then(|at| path.get(at));
        matches!(before, Some(b'.' | b' ')) || matches!(path.get(slash + 1), Some(b'/' | b'.'))
    };
    memchr::memchr3(b'%', b';', b'\\', path).is_some()
        || memchr::memchr_iter(b'/', path).any(next_to_another)
        || path.first().is_some_and(|&byte| byte != b'/')
}

fn percent_decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push((high * 16 + low).to_ascii_lowercase());
                    rest = tail;
                }
                _ => {
                    decoded.push(b'%');
                    rest = after;
                }
            },
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path
        .split(|&byte| byte == b'/')
        .map(|segment| {
            segment
                .split(|&byte| byte == b';')
                .next()
                .unwrap_or_default()
        })
        .collect();
    segments.join(&b'/')
}

/// Without dots and spaces at the end of segments.
fn as_on_windows(path: &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path
        .split(|&byte| byte == b'/')
        .map(|segment| {
            let end = segment.iter().rposition(|byte| !b". ".contains(byte));
            end.map_or(segment, |end| segment.get(..=end).unwrap_or_default())
        })
        .collect();
    segments.join(&b'/')
}

/// Without empty and `.` segments: what stands in front of a `..` can still be seen.
fn merged(path: &[u8]) -> Vec<u8> {
    let kept: Vec<&[u8]> = path
        .split(|&byte| byte == b'/')
        .filter(|segment| !matches!(*segment, b"" | b"."))
        .collect();
    [b"/", kept.join(&b'/').as_slice()].concat()
}

/// Without empty, `.` and `..` segments; a trailing slash is kept.
fn normalised(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut trailing = false;
    for segment in path.split(|&byte| byte == b'/') {
        trailing = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let mut result = vec![b'/'];
    result.extend_from_slice(&kept.join(&b'/'));
    if trailing && !kept.is_empty() {
        result.push(b'/');
    }
    result
}
