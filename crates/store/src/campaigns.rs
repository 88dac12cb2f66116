//! Campaigns, in the order of their numbers; what was begun in them; and who works on them.

use campaign::findings::courses;
use campaign::plan::PlannedAsset;
use campaign::{Campaign, Entry, Journal, Move, Note, Outcome, SourceKind, Task, Word};
use serde_json::json;

use crate::bundles::keep_text;
use crate::cursor::{Kind, Part};
use crate::records::{as_expected, parsed, written};
use crate::sql::{Connection, Transaction};
use crate::{Change, Error, Page, Paging, Session, Store, Stored};

/// A text to read of a vendor patch, in bytes.
pub const NOTE_BYTES: usize = 1024 * 1024;
/// Findings that follow a campaign at once when it is started or taken back; of more, whoever
/// works on it tells in portions, so that no change holds the ledger for long.
const STARTED_COURSES: usize = 2000;

impl Session<'_> {
    /// One campaign, with all of its plan.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn campaign(&mut self, id: i64) -> Result<Stored<Campaign>, Error> {
        let mut found = self.campaign_outline(id)?;
        let sql = "SELECT body FROM campaign_asset WHERE campaign = $1 ORDER BY place";
        let rows = self.connection.query(sql, &[id.into()])?;
        let assets = rows.iter().map(|row| parsed::<PlannedAsset>(row.text(0)?));
        found.value.plan.assets = assets.collect::<Result<_, Error>>()?;
        Ok(found)
    }

    /// One campaign without the assets of its plan.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn campaign_outline(&mut self, id: i64) -> Result<Stored<Campaign>, Error> {
        self.one("campaign", "campaign", id)
    }

    /// The assets of a campaign's plan, each with its place there.
    ///
    /// # Errors
    /// It is not there, the paging is wrong, or the database cannot be asked.
    pub fn campaign_assets(
        &mut self,
        id: i64,
        paging: Paging<'_>,
    ) -> Result<Page<(u32, PlannedAsset)>, Error> {
        held(self.connection, id)?;
        let part = Part::of(paging, &[Kind::Integer], self.limits)?;
        let after = part.after.clone().unwrap_or_else(|| vec![(-1).into()]);
        let rows = self.connection.query(
            "SELECT place, body FROM campaign_asset WHERE place > $1 AND campaign = $3 ORDER BY place LIMIT $2",
            &[after, vec![part.rows(), id.into()]].concat(),
        )?;
        let entries = rows.iter().map(|row| {
            let place = row.integer(0)?;
            let entry = (
                u32::try_from(place).unwrap_or(u32::MAX),
                parsed(row.text(1)?)?,
            );
            Ok((vec![place.into()], entry))
        });
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// A page of a list that was made of something else.
    ///
    /// # Errors
    /// The paging is wrong.
    pub fn paged<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        paging: Paging<'_>,
    ) -> Result<Page<T>, Error> {
        let part = Part::of(paging, &[Kind::Integer], self.limits)?;
        Ok(part.of_all(all))
    }

    /// Campaigns without the assets of their plans, the oldest first.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn campaigns(&mut self, paging: Paging<'_>) -> Result<Page<Stored<Campaign>>, Error> {
        self.numbered_page("campaign", Vec::new(), paging)
    }

    /// What was begun in a campaign.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn campaign_journal(&mut self, id: i64) -> Result<Journal, Error> {
        let sql = "SELECT body FROM campaign_task WHERE campaign = $1";
        let rows = self.connection.query(sql, &[id.into()])?;
        let entries = rows.iter().map(|row| parsed::<Entry>(row.text(0)?));
        entries.collect()
    }

    /// What was begun in a campaign, in the order of the tasks' keys.
    ///
    /// # Errors
    /// It is not there, the paging is wrong, or the database cannot be asked.
    pub fn campaign_tasks(&mut self, id: i64, paging: Paging<'_>) -> Result<Page<Entry>, Error> {
        held(self.connection, id)?;
        let part = Part::of(paging, &[Kind::Text], self.limits)?;
        let after = part.after.clone().unwrap_or_else(|| vec!["".into()]);
        let rows = self.connection.query(
            "SELECT task, body FROM campaign_task WHERE task > $1 AND campaign = $3 ORDER BY task LIMIT $2",
            &[after, vec![part.rows(), id.into()]].concat(),
        )?;
        let entries = rows
            .iter()
            .map(|row| Ok((vec![row.text(0)?.into()], parsed(row.text(1)?)?)));
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// A text that a campaign keeps to be read, by its digest.
    ///
    /// # Errors
    /// The campaign keeps no such text, or the database cannot be asked.
    pub fn campaign_note(&mut self, id: i64, digest: &str) -> Result<(Note, String), Error> {
        let notes = self.campaign_outline(id)?.value.notes;
        let note = notes.into_iter().find(|it| it.digest == digest);
        let missing = || Error::missing(format!("campaign {id}: text {digest}"));
        let note = note.ok_or_else(missing)?;
        let texts = self.documents(&[digest.to_owned()], NOTE_BYTES)?;
        let text = texts.into_iter().next().ok_or_else(missing)?;
        Ok((note, text))
    }

    /// Whether nothing more comes of a campaign.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn campaign_is_over(&mut self, id: i64) -> Result<bool, Error> {
        let told = self.campaign_task(id, campaign::LAST)?;
        Ok(told.is_some_and(|it| it.ended.is_some()))
    }

    fn campaign_task(&mut self, id: i64, key: &str) -> Result<Option<Entry>, Error> {
        let sql = "SELECT body FROM campaign_task WHERE campaign = $1 AND task = $2";
        let row = self.connection.first(sql, &[id.into(), key.into()])?;
        row.map(|row| parsed(row.text(0)?)).transpose()
    }
}

impl Change<'_> {
    /// Keeps a campaign that was planned; `make` gets its number.
    ///
    /// # Errors
    /// It cannot be made, or the one that it follows is not there.
    pub fn plan_campaign(
        &mut self,
        make: impl FnOnce(i64) -> Result<Campaign, ledger::Refused>,
    ) -> Result<Stored<Campaign>, Error> {
        let id = self.number("campaign")?;
        let campaign = Campaign { id, ..make(id)? };
        if let Some(before) = campaign.follows {
            self.campaign_outline(before)?;
        }
        let mut outline = campaign.clone();
        let assets = std::mem::take(&mut outline.plan.assets);
        let body = written(&outline)?;
        self.connection.execute(
            "INSERT INTO campaign (id, version, body, holder, held_until_ms) VALUES ($1, 1, $2, '', 0)",
            &[id.into(), body.as_str().into()],
        )?;
        for (place, asset) in (0_i64..).zip(&assets) {
            self.connection.execute(
                "INSERT INTO campaign_asset (campaign, place, body) VALUES ($1, $2, $3)",
                &[id.into(), place.into(), written(asset)?.into()],
            )?;
        }
        let told = json!({
            "title": campaign.title,
            "patches": campaign.plan.patches.len(),
            "assets": assets.len(),
            "plan": ledger::sha256(written(&campaign.plan)?.as_bytes()),
        });
        self.note(
            "campaign.plan",
            &format!("campaign/{id}"),
            &told.to_string(),
        )?;
        Ok(Stored {
            version: 1,
            value: campaign,
        })
    }

    /// Moves a campaign, if it is still of the expected version.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the move is refused.
    pub fn move_campaign(
        &mut self,
        id: i64,
        step: &Move,
        expected: Option<i64>,
    ) -> Result<Stored<Campaign>, Error> {
        let now = self.campaign(id)?;
        let subject = format!("campaign/{id}");
        as_expected(&subject, now.version, expected)?;
        let next = now.value.after(step, self.who(), self.now_ms())?;
        let mut outline = next.clone();
        outline.plan.assets = Vec::new();
        let version = now.version + 1;
        self.connection.execute(
            "UPDATE campaign SET version = $1, body = $2 WHERE id = $3",
            &[version.into(), written(&outline)?.into(), id.into()],
        )?;
        let told = written(step)?;
        self.note(&format!("campaign.{}", step.name()), &subject, &told)?;
        if matches!(step, Move::Start { .. } | Move::RollBack { .. }) {
            let journal = self.campaign_journal(id)?;
            let courses = courses(&next, &journal);
            if courses.len() <= STARTED_COURSES {
                courses
                    .iter()
                    .try_for_each(|course| self.follow_campaign(course))?;
            }
        }
        Ok(Stored {
            version,
            value: next,
        })
    }

    /// Keeps something to read of a vendor patch, as it is now.
    ///
    /// # Errors
    /// The campaign is not there or was changed meanwhile, the patch is not in it, the text is too long,
    /// empty or kept already.
    pub fn note_campaign(
        &mut self,
        id: i64,
        (patch, kind): (&str, SourceKind),
        (address, text): (Option<&str>, &str),
        expected: Option<i64>,
    ) -> Result<Stored<Campaign>, Error> {
        if text.trim().is_empty() || text.len() > NOTE_BYTES || text.contains('\0') {
            return Err(Error::refused(format!(
                "a text to read must have 1 to {NOTE_BYTES} bytes, and no NUL"
            )));
        }
        let digest = ledger::sha256(text.as_bytes());
        let note = Note {
            patch: patch.to_owned(),
            kind,
            address: address.map(str::to_owned),
            digest: digest.clone(),
            bytes: text.len(),
            word: Word {
                who: String::new(),
                text: self.why().to_owned(),
                time_ms: 0,
            },
        };
        let moved = self.move_campaign(id, &Move::Note(note), expected)?;
        keep_text(self.connection, &digest, text)?;
        Ok(moved)
    }

    /// Records that a task begins, if the campaign is still of the version that it follows from: so
    /// nothing begins after somebody has paused it.
    ///
    /// # Errors
    /// The campaign was changed meanwhile, the task is under way, was done or left out, or another
    /// controller works on the campaign.
    pub fn begin_task(
        &mut self,
        id: i64,
        task: &Task,
        (holder, seen): (&str, i64),
    ) -> Result<Entry, Error> {
        let version = self.must_hold(id, holder)?;
        as_expected(&format!("campaign/{id}"), version, Some(seen))?;
        let before = self.campaign_task(id, &task.key)?;
        let entry = Entry::begin(before.as_ref(), task, self.now_ms())?;
        self.keep_task(id, "begin", entry)
    }

    /// Records how a task ended.
    ///
    /// # Errors
    /// It is not under way, or another controller works on the campaign.
    pub fn end_task(
        &mut self,
        id: i64,
        key: &str,
        outcome: Outcome,
        holder: &str,
    ) -> Result<Entry, Error> {
        self.must_hold(id, holder)?;
        let before = self.campaign_task(id, key)?;
        let before = before.ok_or_else(|| Error::missing(format!("task {key}")))?;
        self.keep_task(id, "end", before.end(outcome, self.now_ms())?)
    }

    /// Records that a task is left out.
    ///
    /// # Errors
    /// It was begun, or another controller works on the campaign.
    pub fn skip_task(
        &mut self,
        id: i64,
        task: &Task,
        why: &str,
        holder: &str,
    ) -> Result<Entry, Error> {
        self.must_hold(id, holder)?;
        let before = self.campaign_task(id, &task.key)?;
        let entry = Entry::skip(before.as_ref(), task, why, self.now_ms())?;
        self.keep_task(id, "skip", entry)
    }

    fn keep_task(&mut self, id: i64, what: &str, entry: Entry) -> Result<Entry, Error> {
        let body = written(&entry)?;
        self.connection.execute(
            "INSERT INTO campaign_task (campaign, task, body) VALUES ($1, $2, $3)
             ON CONFLICT (campaign, task) DO UPDATE SET body = excluded.body",
            &[
                id.into(),
                entry.task.key.as_str().into(),
                body.as_str().into(),
            ],
        )?;
        let subject = format!("campaign/{id}/{}", entry.task.key);
        self.note(&format!("campaign.task-{what}"), &subject, &body)?;
        Ok(entry)
    }

    /// Only who holds a campaign may work on it; its version.
    fn must_hold(&mut self, id: i64, holder: &str) -> Result<i64, Error> {
        let held = held(self.connection, id)?;
        match held.by {
            by if by == holder => Ok(held.version),
            other => Err(Error::refused(format!(
                "{} works on campaign {id}",
                if other.is_empty() { "nobody" } else { &other }
            ))),
        }
    }
}

/// Who works on a campaign, and until when nobody else may.
struct Held {
    by: String,
    until_ms: i64,
    version: i64,
}

fn held(connection: &mut Connection, id: i64) -> Result<Held, Error> {
    let sql = "SELECT holder, held_until_ms, version FROM campaign WHERE id = $1";
    let row = connection.first(sql, &[id.into()])?;
    let row = row.ok_or_else(|| Error::missing(format!("campaign {id}")))?;
    Ok(Held {
        by: row.text(0)?.to_owned(),
        until_ms: row.integer(1)?,
        version: row.integer(2)?,
    })
}

impl Store {
    /// Lets a controller work on a campaign until a time, and nobody else; also again. `gone`
    /// is told who holds it, and says whether that one is known to be gone.
    ///
    /// # Errors
    /// Another one works on it, it is not there, or the database cannot be written.
    pub fn hold_campaign(
        &self,
        id: i64,
        by: &str,
        gone: impl FnOnce(&str) -> bool,
        (now_ms, until_ms): (i64, i64),
    ) -> Result<(), Error> {
        self.pool.with(Transaction::Write, |connection| {
            let held = held(connection, id)?;
            if held.by != by && now_ms < held.until_ms && !gone(&held.by) {
                let other = held.by;
                return Err(Error::refused(format!(
                    "{other} works on campaign {id}, and tells so every few seconds: stop that one, or wait until it is gone"
                )));
            }
            connection.execute(
                "UPDATE campaign SET holder = $1, held_until_ms = $2 WHERE id = $3",
                &[by.into(), until_ms.into(), id.into()],
            )?;
            Ok(())
        })
    }
}
