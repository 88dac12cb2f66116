//! Exceptions, in the order of their numbers, and the findings that they are about.

use ledger::exception::{About, Evidence, Move, Protection, Standing, Terms};
use ledger::rollout::{Approval, Policy};
use ledger::{Exception, Finding, Move as FindingMove, State, VirtualPatch};
use serde_json::Value;

use crate::records::{Record, as_expected, parsed, stored, written};
use crate::sql::Connection;
use crate::{Change, Error, FindingFilter, Limits, Page, Paging, Session, Stored};

/// Which exceptions are asked for; all that it names must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExceptionFilter {
    /// Whether they count.
    pub standing: Option<Standing>,
    /// About which finding.
    pub finding: Option<i64>,
}

impl Session<'_> {
    /// One exception.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn exception(&mut self, id: i64) -> Result<Stored<Exception>, Error> {
        self.one("exception", "exception", id)
    }

    /// Exceptions, the oldest first.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn exceptions(
        &mut self,
        filter: &ExceptionFilter,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<Exception>>, Error> {
        const ABOUT: &str = "id IN (SELECT exception FROM exception_finding WHERE finding = ?)";
        let mut of = Vec::new();
        if let Some(standing) = filter.standing {
            of.push(("standing = ?", standing.name().into()));
        }
        if let Some(finding) = filter.finding {
            of.push((ABOUT, finding.into()));
        }
        self.numbered_page("exception", of, paging)
    }

    /// The exceptions that are in force, the oldest first: all of them.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn exceptions_in_force(&mut self) -> Result<Vec<Stored<Exception>>, Error> {
        let rows = self.connection.query(
            "SELECT version, body FROM exception WHERE standing = 'in-force' ORDER BY id",
            &[],
        )?;
        rows.iter().map(stored).collect()
    }

    /// The exceptions in force of which no finding is left that is not fixed, the oldest first.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn exceptions_fulfilled(&mut self) -> Result<Vec<Stored<Exception>>, Error> {
        let rows = self.connection.query(
            "SELECT version, body FROM exception e WHERE standing = 'in-force' AND NOT EXISTS (
             SELECT 1 FROM exception_finding x JOIN finding f ON f.id = x.finding
             WHERE x.exception = e.id AND f.state NOT IN ('fixed', 'closed')) ORDER BY id",
            &[],
        )?;
        rows.iter().map(stored).collect()
    }

    /// Findings that nothing is planned for though an exception in force is about them, each with
    /// the latest of these.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn findings_to_except(&mut self) -> Result<Vec<(i64, i64)>, Error> {
        let rows = self.connection.query(
            "SELECT f.id, MAX(e.id) FROM exception e
             JOIN exception_finding x ON x.exception = e.id JOIN finding f ON f.id = x.finding
             WHERE e.standing = 'in-force' AND f.state IN ('open', 'shielded')
             GROUP BY f.id ORDER BY f.id",
            &[],
        )?;
        let pairs = rows
            .iter()
            .map(|row| Ok((row.integer(0)?, row.integer(1)?)));
        pairs.collect()
    }
}

impl Change<'_> {
    /// Asks for an exception.
    ///
    /// # Errors
    /// What it is about, or the virtual patch that protects, is not there, or is refused.
    pub fn request_exception(&mut self, terms: Terms) -> Result<Stored<Exception>, Error> {
        let patch = match &terms.protection {
            Protection::VirtualPatch { patch } => {
                self.must_be_there(VirtualPatch::TABLE, patch)?;
                Some(self.get::<VirtualPatch>(patch)?.value)
            }
            Protection::NetworkIsolation(_) | Protection::OtherControl { .. } => None,
        };
        let findings = self.excepted(&terms, patch.as_ref())?;
        let id = self.number("exception")?;
        let by = (self.who(), self.now_ms());
        let exception = Exception::request(id, terms, findings, by, &Limits::records())?;
        let body = written(&exception)?;
        insert(self.connection, &exception, &body)?;
        self.note("exception.request", &format!("exception/{id}"), &body)?;
        Ok(Stored {
            version: 1,
            value: exception,
        })
    }

    /// The findings that an exception would be about, in the order of their numbers.
    fn excepted(&mut self, terms: &Terms, patch: Option<&VirtualPatch>) -> Result<Vec<i64>, Error> {
        let mut filter = FindingFilter::default();
        match &terms.about {
            About::Findings(findings) => {
                let mut findings = findings.clone();
                findings.sort_unstable();
                findings.dedup();
                for id in &findings {
                    let finding = self.finding(*id).map_err(|why| match why.is_missing() {
                        true => Error::refused(format!("there is no finding {id}")),
                        false => why,
                    })?;
                    terms.fits(&finding.value, patch)?;
                }
                return Ok(findings);
            }
            About::Advisory(id) => filter.advisory = Some(id.clone()),
            About::Subject(subject) => filter.subject = Some(subject.clone()),
        }
        let all = self.all_findings(&filter)?.into_iter();
        let mut findings: Vec<i64> = all
            .filter(|it| terms.fits(&it.value, patch).is_ok())
            .map(|it| it.value.id)
            .collect();
        findings.sort_unstable();
        Ok(findings)
    }

    /// Moves an exception, if it is still of the expected version, and its findings with it.
    /// `protects` is asked, before it comes in force, whether its protection is there.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the move is refused.
    pub fn move_exception(
        &mut self,
        id: i64,
        step: &Move,
        policy: Policy,
        expected: Option<i64>,
        protects: impl FnOnce(&mut Session<'_>, &Exception) -> Result<(), Error>,
    ) -> Result<Stored<Exception>, Error> {
        let now = self.exception(id)?;
        as_expected(&format!("exception/{id}"), now.version, expected)?;
        let by = (self.who(), self.now_ms());
        let next = now.value.after(step, policy, by, &Limits::records())?;
        if next.standing() == Standing::InForce && now.value.standing() != Standing::InForce {
            protects(self, &next)?;
        }
        self.keep_exception(step.name(), &now, next)
    }

    /// Takes an exception back, if all its findings are fixed still: one may be open again since it was seen.
    ///
    /// # Errors
    /// A finding is not fixed; it is not there, was changed meanwhile, or the move is refused.
    pub fn fulfil_exception(
        &mut self,
        id: i64,
        why: &str,
        policy: Policy,
        expected: Option<i64>,
    ) -> Result<Stored<Exception>, Error> {
        let now = self.exception(id)?.value;
        for finding in now.findings {
            let state = self.finding(finding)?.value.state();
            if !matches!(state, State::Fixed | State::Closed) {
                let why = format!("finding {finding} of exception {id} is {state}");
                return Err(Error::refused(why));
            }
        }
        let step = Move::Revoke {
            reason: why.to_owned(),
        };
        // What ends needs no protection.
        self.move_exception(id, &step, policy, expected, |_, _| Ok(()))
    }

    /// Ends an exception whose protection or time is gone.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the database cannot be written.
    pub fn void_exception(
        &mut self,
        id: i64,
        why: &str,
        expected: Option<i64>,
    ) -> Result<Stored<Exception>, Error> {
        let now = self.exception(id)?;
        as_expected(&format!("exception/{id}"), now.version, expected)?;
        let next = now.value.voided(why, self.now_ms());
        self.keep_exception("void", &now, next)
    }

    fn keep_exception(
        &mut self,
        what: &str,
        now: &Stored<Exception>,
        next: Exception,
    ) -> Result<Stored<Exception>, Error> {
        let (id, version, body) = (next.id, now.version + 1, written(&next)?);
        let values = [
            version.into(),
            body.as_str().into(),
            next.standing().name().into(),
            id.into(),
        ];
        self.connection.execute(
            "UPDATE exception SET version = $1, body = $2, standing = $3 WHERE id = $4",
            &values,
        )?;
        self.note(
            &format!("exception.{what}"),
            &format!("exception/{id}"),
            &body,
        )?;
        if next.standing() != now.value.standing() {
            let counts = next.standing() == Standing::InForce;
            for finding in &next.findings {
                self.follow(&next, *finding, counts)?;
            }
        }
        Ok(Stored {
            version,
            value: next,
        })
    }

    /// Lets a finding follow an exception that counts, or does not any more.
    fn follow(&mut self, exception: &Exception, id: i64, counts: bool) -> Result<(), Error> {
        let finding = self.finding(id)?.value;
        let step = match counts {
            true if !matches!(finding.state(), State::Fixed | State::Closed) => {
                FindingMove::Except {
                    exception: exception.id,
                }
            }
            false if finding.excepted_by == Some(exception.id) => FindingMove::Lapse {},
            _ => return Ok(()),
        };
        self.move_finding(id, &step, None).map(|_| ())
    }

    /// Whether a finding's move is what its exceptions say.
    pub(crate) fn heeds_exceptions(
        &mut self,
        finding: &Finding,
        step: &FindingMove,
    ) -> Result<(), Error> {
        match (step, finding.excepted_by) {
            (FindingMove::Except { exception }, _) => {
                let found = self.exception(*exception)?.value;
                if found.standing() != Standing::InForce || !found.findings.contains(&finding.id) {
                    return Err(Error::refused(format!(
                        "exception {exception} is {}, about findings {:?}: ask for one about finding {}",
                        found.standing(),
                        found.findings,
                        finding.id
                    )));
                }
                Ok(())
            }
            (FindingMove::Lapse {}, Some(exception)) => {
                match self.exception(exception)?.value.standing() {
                    Standing::InForce => Err(Error::refused(format!(
                        "exception {exception} is in force: revoke it, then its findings are open again"
                    ))),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn insert(connection: &mut Connection, exception: &Exception, body: &str) -> Result<(), Error> {
    let id = exception.id;
    connection.execute(
        "INSERT INTO exception (id, version, body, standing) VALUES ($1, 1, $2, $3)",
        &[id.into(), body.into(), exception.standing().name().into()],
    )?;
    for finding in &exception.findings {
        connection.execute(
            "INSERT INTO exception_finding (exception, finding) VALUES ($1, $2)",
            &[id.into(), (*finding).into()],
        )?;
    }
    Ok(())
}

/// Exceptions of earlier releases stood in their findings, with a text for what protects.
pub(crate) fn take_out(connection: &mut Connection) -> Result<(), Error> {
    let rows = connection.query(
        "SELECT id, body FROM finding WHERE body LIKE '%\"exception\":{%' ORDER BY id",
        &[],
    )?;
    let mut last = 0;
    for row in rows {
        let (finding, mut body): (_, Value) = (row.integer(0)?, parsed(row.text(1)?)?);
        let Some(fields) = body.as_object_mut() else {
            continue;
        };
        let Some(before) = fields.remove("exception") else {
            continue;
        };
        last += 1;
        fields.insert("excepted_by".to_owned(), last.into());
        let text = |name: &str| before[name].as_str().unwrap_or_default().to_owned();
        let expires_ms = before["expires_ms"].as_i64().unwrap_or_default();
        let decided = connection.first(
            "SELECT who, time_ms FROM audit WHERE subject = $1 AND action = 'finding.except'
             ORDER BY sequence DESC LIMIT 1",
            &[format!("finding/{finding}").into()],
        )?;
        let (who, time_ms) = match decided {
            Some(row) => (row.text(0)?.to_owned(), row.integer(1)?),
            None => ("unknown".to_owned(), 0),
        };
        let exception = Exception {
            id: last,
            terms: Terms {
                about: About::Findings(vec![finding]),
                reason: text("reason"),
                owner: text("owner"),
                expires_ms,
                protection: Protection::OtherControl {
                    what: text("protection"),
                    evidence: Evidence {
                        seen: "none was asked for when this was decided".to_owned(),
                        recheck_ms: expires_ms,
                    },
                },
            },
            findings: vec![finding],
            requested_by: who.clone(),
            requested_ms: time_ms,
            approval: Some(Approval { who, time_ms }),
            ended: None,
        };
        insert(connection, &exception, &written(&exception)?)?;
        connection.execute(
            "UPDATE finding SET body = $1 WHERE id = $2",
            &[written(&body)?.into(), finding.into()],
        )?;
    }
    connection.execute(
        "UPDATE numbers SET last = $1 WHERE name = 'exception'",
        &[last.into()],
    )?;
    Ok(())
}
