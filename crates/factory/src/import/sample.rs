//! What stands for an attack where a scanner names the parameter and the weakness, but not
//! what it sent: one plain specimen of each class.

/// Numbers of the Common Weakness Enumeration, and what attacks of them are like.
const ALL: &[(&[u32], &str)] = &[
    (
        &[89, 564],
        "1' UNION SELECT username, password FROM users-- -",
    ),
    (
        &[79, 80, 81, 83, 84, 85, 87, 116],
        "<script>alert(1)</script>",
    ),
    (&[77, 78, 88], ";cat /etc/passwd"),
    (
        &[22, 23, 24, 27, 29, 35, 36, 73, 98],
        "../../../../etc/passwd",
    ),
    (&[918, 441], "http://169.254.169.254/latest/meta-data/"),
    (&[601], "https://attacker.example/"),
    (&[93, 113], "x\r\nSet-Cookie: session=attacker"),
    (&[1336], "{{7*7}}"),
    (&[917], "${T(java.lang.Runtime).getRuntime().exec('id')}"),
    (&[94, 95, 96], "<?php system('id'); ?>"),
    (
        &[502],
        "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3Rvcg==",
    ),
];

/// The specimen of the first weakness that has one, `CWE-89` and the like.
pub(super) fn of(cwe: &[String]) -> Option<&'static str> {
    cwe.iter().find_map(|cwe| {
        let number: u32 = cwe.trim_start_matches("CWE-").parse().ok()?;
        let found = ALL.iter().find(|(numbers, _)| numbers.contains(&number));
        found.map(|(_, specimen)| *specimen)
    })
}
