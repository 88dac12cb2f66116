//! Who is signed in: in memory, so that signing in again is all that a restart costs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::sha256;

use tokio::sync::Semaphore;

use crate::Limits;
use crate::secret::random;

/// Attempts to sign in that are looked at, at one time.
const VERIFIED: usize = 2;

/// Everybody who is signed in, and who has failed to.
pub(crate) struct Sessions {
    inside: Mutex<Inside>,
    /// Attempts that are looked at, at one time: each takes much memory.
    pub(crate) turns: Semaphore,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            inside: Mutex::default(),
            turns: Semaphore::new(VERIFIED),
        }
    }
}

#[derive(Default)]
struct Inside {
    /// By the hash of what the cookie holds.
    open: HashMap<String, Session>,
    /// When attempts have failed, the oldest first, and by which name; by tokens none is named.
    failed: Vec<(i64, String)>,
}

/// By what somebody has signed in. Whether it still counts is asked each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// A token of this name.
    Token(String),
    /// As this user: with a password, or at the provider of identities.
    User {
        id: String,
        /// Of which password; another one ends the session. At the provider there is none.
        password: String,
    },
}

impl By {
    /// As this user, of whose password this hash is kept.
    pub(crate) fn user(id: &str, hash: &str) -> Self {
        Self::User {
            id: id.to_owned(),
            password: sha256(hash.as_bytes()),
        }
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) by: By,
    /// Forms must bring it: other sites cannot know it.
    pub(crate) form_key: String,
    /// Names it: the hash of what the cookie holds.
    pub(crate) name: String,
    began_ms: i64,
    seen_ms: i64,
    /// The password was changed here, and that is not told yet.
    renewed: bool,
}

impl Sessions {
    /// Whether one may try to sign in now, by this name.
    pub(crate) fn may_try(&self, name: &str, now_ms: i64, limits: &Limits) -> bool {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now_ms.saturating_sub(60_000);
        inside.failed.retain(|(failed_ms, _)| *failed_ms > since);
        let named = inside
            .failed
            .iter()
            .filter(|(_, it)| !name.is_empty() && it == name);
        named.count() < limits.failed_passwords && inside.failed.len() < limits.failed_sign_ins
    }

    pub(crate) fn note_failure(&self, name: &str, now_ms: i64) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.failed.push((now_ms, name.to_owned()));
    }

    /// Signs somebody in; what the cookie is to hold. Where too many are
    /// signed in, whoever was seen longest ago no longer is.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn open(&self, by: By, now_ms: i64, limits: &Limits) -> std::io::Result<String> {
        let cookie = URL_SAFE_NO_PAD.encode(random()?);
        let name = sha256(cookie.as_bytes());
        let session = Session {
            by,
            name: name.clone(),
            form_key: URL_SAFE_NO_PAD.encode(random()?),
            began_ms: now_ms,
            seen_ms: now_ms,
            renewed: false,
        };
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let open = &mut inside.open;
        open.retain(|_, session| session.holds(now_ms, limits));
        if open.len() >= limits.sessions {
            let oldest = open.iter().min_by_key(|(_, session)| session.seen_ms);
            let oldest = oldest.map(|(cookie, _)| cookie.clone());
            oldest.and_then(|oldest| open.remove(&oldest));
        }
        open.insert(name, session);
        Ok(cookie)
    }

    /// Whose cookie it is; whether somebody looks, or a page renews itself.
    pub(crate) fn of(
        &self,
        cookie: &str,
        (now_ms, looks): (i64, bool),
        limits: &Limits,
    ) -> Option<Session> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let session = inside.open.get_mut(&sha256(cookie.as_bytes()))?;
        if !session.holds(now_ms, limits) {
            return None;
        }
        if looks {
            session.seen_ms = now_ms;
        }
        Some(session.clone())
    }

    /// The session counts by this new password from now on.
    pub(crate) fn goes_on(&self, session: &Session, by: By) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = inside.open.get_mut(&session.name) {
            session.by = by;
            session.renewed = true;
        }
    }

    /// Whether it has to be told that the password was changed here: once.
    pub(crate) fn take_renewed(&self, session: &Session) -> bool {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let session = inside.open.get_mut(&session.name);
        session.is_some_and(|session| std::mem::take(&mut session.renewed))
    }

    pub(crate) fn close(&self, session: &Session) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.open.remove(&session.name);
    }
}

impl Session {
    fn holds(&self, now_ms: i64, limits: &Limits) -> bool {
        let idle = now_ms.saturating_sub(self.seen_ms);
        let long = now_ms.saturating_sub(self.began_ms);
        idle < limits.session_idle_ms && long < limits.session_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn open(sessions: &Sessions, now_ms: i64) -> String {
        let by = By::Token(format!("token {now_ms}"));
        let opened = sessions.open(by, now_ms, &Limits::default());
        opened.unwrap()
    }

    #[test]
    fn a_session_ends_when_nobody_comes_or_after_a_day_of_work() {
        let (sessions, limits) = (Sessions::default(), Limits::default());
        let cookie = open(&sessions, 0);
        let idle = limits.session_idle_ms;
        let mut now_ms = 0;
        while now_ms + idle - 1 < limits.session_ms {
            now_ms += idle - 1;
            assert!(sessions.of(&cookie, (now_ms, true), &limits).is_some());
        }
        assert!(
            sessions
                .of(&cookie, (limits.session_ms, true), &limits)
                .is_none()
        );
        let cookie = open(&sessions, 0);
        assert!(sessions.of(&cookie, (idle, true), &limits).is_none());
        // A page that renews itself keeps nobody signed in.
        let cookie = open(&sessions, 0);
        for at in [limits.session_idle_ms / 2, limits.session_idle_ms - 1] {
            assert!(sessions.of(&cookie, (at, false), &limits).is_some());
        }
        let idle = limits.session_idle_ms;
        assert!(sessions.of(&cookie, (idle, false), &limits).is_none());
        assert!(sessions.of("another", (0, true), &limits).is_none());
    }

    #[test]
    fn whoever_signs_out_is_out() {
        let (sessions, limits) = (Sessions::default(), Limits::default());
        let (one, other) = (open(&sessions, 0), open(&sessions, 0));
        sessions.close(&sessions.of(&one, (0, true), &limits).unwrap());
        assert!(sessions.of(&one, (0, true), &limits).is_none());
        assert!(sessions.of(&other, (0, true), &limits).is_some());
    }

    #[test]
    fn sessions_are_bounded_and_the_latest_stay() {
        let sessions = Sessions::default();
        let limits = Limits {
            sessions: 2,
            ..Limits::default()
        };
        let cookies = [1, 2, 3].map(|now_ms| {
            let opened = sessions.open(By::Token("token".to_owned()), now_ms, &limits);
            opened.unwrap()
        });
        let open = cookies.map(|cookie| sessions.of(&cookie, (4, true), &limits).is_some());
        assert_eq!(open, [false, true, true]);
    }

    #[test]
    fn after_some_failures_one_waits_a_minute() {
        let (sessions, limits) = (Sessions::default(), Limits::default());
        for count in 0..limits.failed_sign_ins {
            assert!(sessions.may_try("", 5, &limits));
            // Somebody else may still try.
            let may = sessions.may_try("ann", 5, &limits);
            assert_eq!(may, count < limits.failed_passwords);
            let name = if count < limits.failed_passwords {
                "ann"
            } else {
                ""
            };
            sessions.note_failure(name, 5);
        }
        assert!(!sessions.may_try("", 5, &limits));
        assert!(!sessions.may_try("bob", MINUTE_MS + 4, &limits));
        assert!(sessions.may_try("", MINUTE_MS + 5, &limits));
        assert!(sessions.may_try("ann", MINUTE_MS + 5, &limits));
    }
}
