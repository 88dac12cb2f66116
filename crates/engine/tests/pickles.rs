//! `@detectPickle` beside Python's own `pickle`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::path::Path;
use std::process::Command;

use engine::operators::{Arguments, Build, Datasets, Hit, Operator, find};
use engine::{Limits, NoResources};

fn operator(text: &str) -> Box<dyn Operator> {
    let Build::Compiled(build) = &find("detectPickle").unwrap().build else {
        panic!("detectPickle is not compiled");
    };
    build(&Arguments {
        text,
        limits: &Limits::default(),
        resources: &NoResources,
        source: "test.conf",
        places: None,
        datasets: Some(&Datasets::new()),
    })
    .unwrap()
}

/// Whether it is found, by the operator and by what the planner asks before it.
fn is_found(value: &[u8]) -> bool {
    let operator = operator("");
    let found = operator.matches(value, &mut Hit::default());
    assert!(!found || operator.need().is_met_by(value), "{value:?}");
    found
}

#[test]
fn what_python_calls_is_found() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pickles.py");
    let told = Command::new("python3")
        .arg(script)
        .args(["7", "30000"])
        .output()
        .unwrap();
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    let (mut called, mut missed) = (0, Vec::new());
    for line in told.lines() {
        let (hex, calls) = line.split_once(' ').unwrap();
        let bytes = (0..hex.len()).step_by(2);
        let value: Vec<u8> = bytes
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        called += usize::from(calls == "called");
        if calls == "called" && !is_found(&value) {
            missed.push(value.escape_ascii().to_string());
        }
    }
    assert!(called > 1_000, "only {called} of the pickles call anything");
    assert!(missed.is_empty(), "{}: {missed:#?}", missed.len());
}

/// Each as `pickletools` reads it.
#[test]
fn objects_that_call_and_whole_ones_are_found() {
    for attack in [
        &b"cos\nsystem\n(S'id'\ntR."[..],
        b"(Vid\niposix\nsystem\n.",
        b"(cos\nsystem\nVid\no.",
        b"N0ccProfile\nrun\n(Vprint(1)\ntR.",
        b"Vos\nVgetpid\n\x93)R.",
        b"S'os'\nS'getpid'\n\x93)R.",
        b"\x8c\x02osp0\n\x8c\x06getpidp1\n\x93)R.",
        b"\x80\x04\x95\x15\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94)R.",
        b"ccode\nInteractiveInterpreter\n)R.",
        b"ccode\nInteractiveInterpreter\n)\x81}b.",
        b"I1\n.cos\nsystem\n(S'id'\ntR.",
        b"cos\nsystem\n(S'id'\x01\ntR.",
        // Folders of Python's own; lists and environments are added to without a call.
        b"clib-dynload._ctypes\ndlopen\n(V/lib/libc.so\nI2\ntR.",
        b"csys\npath\nV/tmp/up\nacevilmod\nx\n",
        b"cos\nenviron\nVLD_PRELOAD\nV/x.so\ns",
        // Behind their length.
        b"\0\0\0\x20\x80\x02cos\nsystem\n(S'id'\ntR.",
        // Cut off behind the call.
        b"cos\nsystem\n(S'id'\ntR",
        // No call: the application may do that.
        b"cos\nsystem\n.",
        b"\x80\x04]\x94.",
    ] {
        assert!(is_found(attack), "{}", attack.escape_ascii());
    }
    // What says again and again that it begins does not take the time of as many.
    assert!(is_found(&b"\x80\x02V".repeat(200_000)));
    // More marks than are counted.
    let deep = [
        &b"(".repeat(1_000)[..],
        &b"0".repeat(1_000),
        b"cos\nsystem\n)R",
    ]
    .concat();
    assert!(is_found(&deep));
}

#[test]
fn objects_in_base64_are_found_where_they_begin() {
    let operator = operator("base64");
    let finds = |value: &str| {
        let found = operator.matches(value.as_bytes(), &mut Hit::default());
        assert!(
            !found || operator.need().is_met_by(value.as_bytes()),
            "{value}"
        );
        found
    };
    for attack in [
        // cos, system, called; behind a value that is dropped; in lines.
        "gARjb3MKc3lzdGVtCihTJ2lkJwp0Ui4=",
        "gAJOMGNvcwpzeXN0ZW0KKFMnaWQnCnRSLg",
        "gAJj\r\nb3MKc3lzdGVtCihTJ2lkJwp0Ui4=",
        "{\"state\": \"gAJjb3MKc3lzdGVtCihTJ2lkJwp0Ui4=\"}",
        "!c2ln?gAJjb3MKc3lzdGVtCihTJ2lkJwp0Ui4=",
    ] {
        assert!(finds(attack), "{attack}");
    }
    for other in [
        "gANymede",
        "gAJOMGNvcw",
        "a gAJd line\ngAKxyz\n",
        "Y29zaW5l",
        "TmFtZTogYW4gb3JkZXIu",
    ] {
        assert!(!finds(other), "{other}");
    }
    // What says again and again that it begins does not take the time of as many.
    assert!(finds(&"gAJO\n".repeat(100_000)));
}

#[test]
fn prose_and_files_are_not_found() {
    for prose in [
        "topics\ncats\ndogs\n",
        "cats\ndogs\n",
        "cats\ndogs\nRabbits",
        "cats\ndogs\n\nbirds.",
        "coverage\ndist\n.env\n",
        "cache\nbuild\n.env\nnode_modules\n",
        "css\njs\n.htaccess\n",
        "ios\nversion: 3",
        "tacos\nburritos\n",
        "print\nx\n",
        "I\n(i\nam\n",
        "Very nice\n.",
        "N.",
        "\u{80}",
        "(((",
        ")))))\n",
        "S'os'\nS'x'\n",
    ] {
        assert!(!is_found(prose.as_bytes()), "{prose:?}");
    }
    // Numbers of Knuth's MMIX, as good as noise.
    let mut seed = 1_u64;
    for _ in 0..200_000 {
        let noise: Vec<u8> = (0..24)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        assert!(!is_found(&noise), "{}", noise.escape_ascii());
    }
}
