//! What is done to the assets of a wave, one phase after the other.

/// A phase of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Whoever works at an asset is told.
    Message,
    /// Jobs and automatic updates are put on hold.
    Hold,
    /// Checks, before anything is changed.
    Before,
    /// Backups are made.
    BackUp,
    /// Some of them are restored for trial.
    Verify,
    /// What depends on an asset that restarts is stopped.
    Stop,
    /// Patches are installed.
    Apply,
    /// Assets restart that must.
    Reboot,
    /// What was stopped is started.
    Start,
    /// Checks, after that.
    After,
    /// Checks of the whole.
    Gate,
    /// What went wrong is taken back.
    RollBack,
    /// Checks, after that.
    Again,
    /// Holds end.
    Release,
}

impl Phase {
    /// As in the keys of tasks, and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Hold => "hold",
            Self::Before => "check-before",
            Self::BackUp => "back-up",
            Self::Verify => "verify-backup",
            Self::Stop => "stop",
            Self::Apply => "apply",
            Self::Reboot => "reboot",
            Self::Start => "start",
            Self::After => "check-after",
            Self::Gate => "gate",
            Self::RollBack => "roll-back",
            Self::Again => "check-again",
            Self::Release => "release",
        }
    }

    /// Whether it can wait: nothing has been changed for good yet.
    pub(crate) fn can_wait(self) -> bool {
        matches!(
            self,
            Self::Message | Self::Hold | Self::Before | Self::BackUp | Self::Verify | Self::Apply
        )
    }
}
