//! Tells when files that a configuration names have changed.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use gateway::Config;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{Receiver, channel};

/// How long nothing more must change: editors and tools write files in steps.
const QUIET: Duration = Duration::from_millis(200);
/// How long changes are waited for at most, if they do not end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Changes of the patch files and folders.
pub(super) struct Changes {
    /// Watches as long as it lives.
    _watcher: RecommendedWatcher,
    events: Receiver<()>,
}

impl Changes {
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        let (sender, events) = channel(1);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading patches is an event too. A full channel has told already.
                if event.is_ok_and(|event| !event.kind.is_access()) {
                    let _: Result<(), _> = sender.try_send(());
                }
            })
            .context("cannot watch for changes of patches")?;
        let paths = config
            .patches
            .iter()
            .map(|patches| &patches.path)
            .chain(&config.rules);
        for path in paths {
            // A file that is replaced is another file: its folder is watched.
            let (place, mode) = match path.is_dir() {
                true => (path.as_path(), RecursiveMode::Recursive),
                false => (folder_of(path), RecursiveMode::NonRecursive),
            };
            watcher
                .watch(place, mode)
                .with_context(|| format!("cannot watch {} for changes", place.display()))?;
        }
        Ok(Self {
            _watcher: watcher,
            events,
        })
    }

    /// Waits for a change, and until no more follow.
    pub(super) async fn next(&mut self) {
        if self.events.recv().await.is_none() {
            // The watcher has ended; SIGHUP is still there.
            std::future::pending::<()>().await;
        }
        let settled = async {
            while tokio::time::timeout(QUIET, self.events.recv())
                .await
                .is_ok()
            {}
        };
        // Time out or not, it is time to read.
        let _: Result<(), _> = tokio::time::timeout(PATIENCE, settled).await;
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
