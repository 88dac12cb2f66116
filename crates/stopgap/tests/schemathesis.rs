//! The API holds what its description promises, whatever is sent: schemathesis tries it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/control.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod side;

use std::path::Path;
use std::process::Command;

use side::Control;

/// How long it tries, in seconds.
const SECONDS: &str = "40";

#[test]
fn the_api_answers_as_its_description_says() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = std::env::current_exe().unwrap();
    // Beside the profiles, of which one holds this test.
    let target = own.ancestors().nth(3).unwrap();
    let tool = target.join("tools/schemathesis/bin/st");
    assert!(
        tool.exists(),
        "`cargo xtask test` installs {}",
        tool.display()
    );
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let control = Control::start(&data, &[]);
    let token = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["token", "add", "tool", "--of", "tool", "--role", "admin"])
        .args(["--who", "root", "--why", "a test", "--data"])
        .arg(&data)
        .env_remove("STOPGAP_DATABASE")
        .output()
        .unwrap();
    let token = String::from_utf8(token.stdout).unwrap();
    let tried = Command::new(tool)
        .arg("--config-file")
        .arg(here.join("tests/data/schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", control.address))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token.trim()),
        ])
        .args(["--max-time", SECONDS])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&tried.stdout);
    assert!(tried.status.success(), "{told}");
    assert!(told.contains("Test cases:"), "{told}");
    control.stop();
}
