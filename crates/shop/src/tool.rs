//! The shop's tools, run by a shell.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

const OUTPUT_BYTES: u64 = 16 * 1024;
const TIME: Duration = Duration::from_secs(3);

/// Runs a line of shell in `directory` with an empty environment but for `PATH`, and
/// returns what it prints, its errors included, up to 16 KiB. After three seconds, it and
/// what it started are killed.
///
/// FLAW: command injection. The callers put parameters into the line as they come.
pub(crate) async fn run(line: &str, directory: &Path) -> std::io::Result<String> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1; {line}"))
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // When the time is over, what was printed until then is the answer.
        drop(timeout(TIME, read(stdout, &mut output)).await);
    }
    if let Some(group) = group {
        // It is gone already when all went well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait().await?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

async fn read(from: impl AsyncRead + Unpin, into: &mut Vec<u8>) -> std::io::Result<usize> {
    from.take(OUTPUT_BYTES).read_to_end(into).await
}
