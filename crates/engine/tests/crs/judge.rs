//! Whether what came of a request is what its test expects.

use super::ftw;

/// A rule that matched, as far as tests look at it.
pub(crate) struct Found {
    pub(crate) rule: u64,
    pub(crate) target: String,
    pub(crate) message: String,
    pub(crate) data: String,
}

/// Whether the outcome is as a test wants it; otherwise what is not.
pub(crate) fn judge(
    expected: &ftw::Output,
    status: u16,
    body: &[u8],
    matches: &[Found],
) -> Result<(), String> {
    let ids: Vec<u64> = matches.iter().map(|found| found.rule).collect();
    let log: Vec<String> = matches.iter().map(line).collect();
    let log = log.join("\n");
    if expected.expect_error && status != 400 {
        return Err(format!("status is {status}, expected an error"));
    }
    if let Some(wanted) = expected.status.filter(|wanted| *wanted != status) {
        return Err(format!("status is {status}, expected {wanted}"));
    }
    if let Some(missing) = expected.log.expect_ids.iter().find(|id| !ids.contains(id)) {
        return Err(format!("{missing} does not match, of {ids:?}"));
    }
    if let Some(wrong) = expected
        .log
        .no_expect_ids
        .iter()
        .find(|id| ids.contains(id))
    {
        return Err(format!("{wrong} matches: {log}"));
    }
    if expected.isolated && ids.iter().any(|id| !expected.log.expect_ids.contains(id)) {
        return Err(format!("others match too: {ids:?}"));
    }
    let finds = |pattern: &Option<String>| {
        pattern
            .as_ref()
            .map(|pattern| regex::Regex::new(pattern).unwrap().is_match(&log))
    };
    if finds(&expected.log.match_regex) == Some(false) {
        return Err(format!(
            "{:?} is not found in {log}",
            expected.log.match_regex
        ));
    }
    if finds(&expected.log.no_match_regex) == Some(true) {
        return Err(format!(
            "{:?} is found in {log}",
            expected.log.no_match_regex
        ));
    }
    if let Some(text) = &expected.response_contains
        && !String::from_utf8_lossy(body).contains(text)
    {
        return Err(format!("the response does not contain {text:?}"));
    }
    Ok(())
}

/// As ModSecurity writes it, as far as the tests look at it: one line.
fn line(found: &Found) -> String {
    let line = format!(
        "Warning. Matched at {}. [id \"{}\"] [msg \"{}\"] [data \"{}\"]",
        found.target, found.rule, found.message, found.data
    );
    line.replace('\r', "\\x0d").replace('\n', "\\x0a")
}
