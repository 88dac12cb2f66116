//! Tells when files that a configuration names have changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use gateway::Config;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use patch::load::is_document;
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

/// What is watched for: other files may stand beside it, such as those of events, which grow
/// with every request.
struct Watched {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Watched {
    fn is_changed(&self, event: &Event) -> bool {
        // Reading patches is an event too.
        if event.kind.is_access() {
            return false;
        }
        let mut paths = event.paths.iter();
        // Without a path events were lost.
        event.paths.is_empty() || event.need_rescan() || paths.any(|path| self.concerns(path))
    }

    fn concerns(&self, path: &Path) -> bool {
        let within = || self.folders.iter().any(|folder| path.starts_with(folder));
        match path.symlink_metadata() {
            Ok(found) if found.is_file() => {
                self.files.iter().any(|file| file == path) || is_document(path) && within()
            }
            Ok(found) if found.is_dir() => within(),
            // Where a link leads, or what was there before, may be ours.
            _ => true,
        }
    }
}

impl Changes {
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        let paths = config
            .patches
            .iter()
            .map(|patches| &patches.path)
            .chain(&config.rules);
        let mut watched = Watched {
            folders: Vec::new(),
            files: Vec::new(),
        };
        let mut places = Vec::new();
        for path in paths {
            // The watcher tells whole paths.
            let path = std::path::absolute(path)
                .with_context(|| format!("cannot watch {} for changes", path.display()))?;
            // A file that is replaced is another file: its folder is watched.
            if path.is_dir() {
                places.push((path.clone(), RecursiveMode::Recursive));
                watched.folders.push(path.clone());
            } else {
                let folder = path.parent().unwrap_or(&path).to_owned();
                places.push((folder, RecursiveMode::NonRecursive));
                watched.files.push(path);
            }
        }
        let (sender, events) = channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| watched.is_changed(&event)) {
                // A full channel has told already.
                let _: Result<(), _> = sender.try_send(());
            }
        })
        .context("cannot watch for changes of patches")?;
        for (place, mode) in places {
            watcher
                .watch(&place, mode)
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
