//! Somebody's own password. There is no route for it: a program has none.

use super::TOO_MANY;
use super::session::By;
use super::visit::Visit;
use crate::password::{hash_password, is_password};
use crate::problem::{Kind, Problem};

/// Whether whoever looks has signed in with a password.
pub(super) fn has_one(visit: &Visit<'_>) -> Result<bool, Problem> {
    let By::User { id, .. } = &visit.session.by else {
        return Ok(false);
    };
    let user = visit.service.store.read(|it| it.user(id))?;
    Ok(user.value.account.is_none())
}

/// Gives whoever looks another password, if they show the one that they have: a browser that was left
/// alone is not enough. Their other sessions end.
pub(super) fn change(visit: &Visit<'_>) -> Result<(), Problem> {
    let none = || Problem::new(Kind::Refused, "whoever has signed in so has no password");
    let By::User { id, .. } = &visit.session.by else {
        return Err(none());
    };
    let (service, form) = (visit.service, &visit.form);
    let (sessions, now_ms) = (&service.sessions, visit.now_ms);
    if !sessions.may_try(id, now_ms, &service.limits) {
        return Err(Problem::new(Kind::Forbidden, TOO_MANY));
    }
    let busy = |_| Problem::new(Kind::Busy, "too many sign in at one time, try again");
    let _place = sessions.turns.try_acquire().map_err(busy)?;
    let (user, kept) = service.store.read(|it| it.user_with_hash(id))?;
    if user.value.account.is_some() {
        return Err(none());
    }
    let (old, new) = (form.get("old"), form.get("new"));
    if !is_password(old, Some(&kept)) {
        sessions.note_failure(id, now_ms);
        return Err(Problem::new(Kind::Forbidden, "this is not your password"));
    }
    let malformed = |why: &str| Problem::new(Kind::Malformed, why);
    if new != form.get("again") {
        return Err(malformed("the new password was typed in two ways"));
    }
    if new == old {
        return Err(malformed("the new password is the one that you have"));
    }
    let hash = hash_password(new).map_err(|why| malformed(&why))?;
    let by = store::By {
        who: id,
        why: "their own password",
        now_ms,
    };
    // Somebody may have given them another one meanwhile.
    let seen = Some(user.version);
    service
        .store
        .change(&by, |it| it.change_password(id, &hash, seen))?;
    sessions.goes_on(&visit.session, By::user(id, &hash));
    Ok(())
}
