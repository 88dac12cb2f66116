//! Findings: the most urgent first.

use campaign::findings::Course;
use ledger::{Advisory, Application, Asset, Finding, Move, State, Subject, VirtualPatch};

use crate::cursor::{Kind, Part};
use crate::records::{Record, as_expected, parsed, stored, written};
use crate::sql::Value;
use crate::{Change, Error, Limits, Page, Paging, Session, Stored};

/// Which findings are asked for; all that it names must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Where the work stands.
    pub state: Option<State>,
    /// Of which advisory.
    pub advisory: Option<String>,
    /// What they concern.
    pub subject: Option<Subject>,
}

/// What came of opening a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The finding.
    pub finding: Stored<Finding>,
    /// Whether it was not there before.
    pub new: bool,
}

/// Findings of one advisory whose fixes are planned for one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFix {
    /// The oldest of them.
    pub first: Finding,
    /// How many they are.
    pub findings: i64,
}

impl Session<'_> {
    /// One finding.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn finding(&mut self, id: i64) -> Result<Stored<Finding>, Error> {
        self.one("finding", "finding", id)
    }

    /// Findings, the most urgent first, and the oldest of these.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn findings(
        &mut self,
        filter: &FindingFilter,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<Finding>>, Error> {
        let part = Part::of(paging, &[Kind::Integer, Kind::Integer], self.limits)?;
        let (sql, values) = page_query(filter, &part);
        let rows = self.connection.query(&sql, &values)?;
        let entries = rows.iter().map(|row| {
            let key = vec![row.integer(2)?.into(), row.integer(3)?.into()];
            Ok((key, stored(row)?))
        });
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// All findings of a kind, however many.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn all_findings(&mut self, filter: &FindingFilter) -> Result<Vec<Stored<Finding>>, Error> {
        self.every(|it, paging| it.findings(filter, paging))
    }

    /// Planned fixes between two times, and how many there are: those of one advisory by one plan at
    /// one time are one. At most `most`, the earliest first.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn planned_fixes(
        &mut self,
        (from_ms, until_ms): (i64, i64),
        most: usize,
    ) -> Result<(Vec<PlannedFix>, usize), Error> {
        let span = [from_ms.into(), until_ms.into()];
        let count = "SELECT COUNT(*) FROM (SELECT 1 FROM finding
             WHERE scheduled_ms >= $1 AND scheduled_ms < $2 GROUP BY scheduled_ms, advisory, scheduled_by) t";
        let count = self.connection.first(count, &span)?;
        let count = count.map_or(Ok(0), |row| row.integer(0))?;
        let [from, until] = span;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self
            .connection
            .query(PLANNED, &[from, until, most.into()])?;
        let fixes = rows.iter().map(|row| {
            Ok(PlannedFix {
                first: parsed(row.text(0)?)?,
                findings: row.integer(1)?,
            })
        });
        let fixes = fixes.collect::<Result<_, Error>>()?;
        Ok((fixes, usize::try_from(count).unwrap_or(usize::MAX)))
    }

    /// How the database finds planned fixes, in its own words.
    #[doc(hidden)]
    pub fn explain_planned_fixes(&mut self) -> Result<Vec<String>, Error> {
        self.explain(PLANNED, &[0.into(), 1.into(), 1.into()])
    }

    /// How the database finds a page of findings, in its own words.
    #[doc(hidden)]
    pub fn explain_findings(
        &mut self,
        filter: &FindingFilter,
        paging: Paging<'_>,
    ) -> Result<Vec<String>, Error> {
        let part = Part::of(paging, &[Kind::Integer, Kind::Integer], self.limits)?;
        let (sql, values) = page_query(filter, &part);
        self.explain(&sql, &values)
    }
}

/// Planned fixes between two times, at most so many.
const PLANNED: &str =
    "SELECT f.body, t.findings FROM (SELECT MIN(id) AS first, COUNT(*) AS findings FROM finding
     WHERE scheduled_ms >= $1 AND scheduled_ms < $2 GROUP BY scheduled_ms, advisory, scheduled_by
     ORDER BY scheduled_ms, advisory, scheduled_by LIMIT $3) t JOIN finding f ON f.id = t.first
     ORDER BY f.scheduled_ms, f.advisory, f.scheduled_by";

fn page_query(filter: &FindingFilter, part: &Part) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut conditions = vec!["0 = 0".to_owned()];
    let mut equal = |column: &str, value: Option<String>| {
        if let Some(value) = value {
            values.push(value.into());
            conditions.push(format!("{column} = ${}", values.len()));
        }
    };
    equal("state", filter.state.map(|state| state.name().to_owned()));
    equal("advisory", filter.advisory.clone());
    equal("subject", filter.subject.as_ref().map(Subject::to_string));
    if let Some(after) = &part.after {
        values.extend(after.iter().cloned());
        let count = values.len();
        conditions.push(format!("(urgency, id) > (${}, ${count})", count - 1));
    }
    values.push(part.rows());
    let sql = format!(
        "SELECT version, body, urgency, id FROM finding WHERE {} ORDER BY urgency, id LIMIT ${}",
        conditions.join(" AND "),
        values.len()
    );
    (sql, values)
}

/// For when its fix is planned and by whom, as long as it is.
fn schedule(finding: &Finding) -> [Value; 2] {
    let schedule = finding.schedule.as_ref();
    match schedule.filter(|_| finding.state() == State::Scheduled) {
        Some(it) => [it.due_ms.into(), it.by.as_str().into()],
        None => [Value::Null, Value::Null],
    }
}

impl Change<'_> {
    /// Opens a finding. One that is there already is left as it is, and reopened if it was fixed.
    ///
    /// # Errors
    /// The advisory or what it concerns is not there.
    pub fn open_finding(&mut self, advisory: &str, subject: &Subject) -> Result<Opened, Error> {
        let (table, id) = match subject {
            Subject::Asset(id) => (Asset::TABLE, id),
            Subject::Application(id) => (Application::TABLE, id),
        };
        self.must_be_there(table, id)?;
        self.must_be_there(Advisory::TABLE, advisory)?;
        let there = self.connection.first(
            "SELECT version, body FROM finding WHERE advisory = $1 AND subject = $2",
            &[advisory.into(), subject.to_string().into()],
        )?;
        if let Some(row) = there {
            let finding: Stored<Finding> = stored(&row)?;
            let ended = matches!(finding.value.state(), State::Fixed | State::Closed);
            let finding = match ended {
                true => self.move_finding(finding.value.id, &Move::Reopen {}, None)?,
                false => finding,
            };
            return Ok(Opened {
                finding,
                new: false,
            });
        }
        let advisory: Advisory = self.get(advisory)?.value;
        let id = self.number("finding")?;
        let finding = Finding::open(id, &advisory, subject.clone(), self.now_ms());
        let body = written(&finding)?;
        let urgency = i64::from(finding.severity as u8);
        let values = [
            id.into(),
            body.as_str().into(),
            advisory.id.into(),
            subject.to_string().into(),
            finding.state().name().into(),
            urgency.into(),
        ];
        self.connection.execute(
            "INSERT INTO finding (id, version, body, advisory, subject, state, urgency)
             VALUES ($1, 1, $2, $3, $4, $5, $6)",
            &values,
        )?;
        self.note("finding.open", &format!("finding/{id}"), &body)?;
        let finding = Stored {
            version: 1,
            value: finding,
        };
        Ok(Opened { finding, new: true })
    }

    /// Lets a finding follow what a campaign says of it, if there is one.
    ///
    /// # Errors
    /// The database cannot be asked or written.
    pub fn follow_campaign(&mut self, course: &Course) -> Result<(), Error> {
        let subject = Subject::Asset(course.asset.clone()).to_string();
        let there = self.connection.first(
            "SELECT version, body FROM finding WHERE advisory = $1 AND subject = $2",
            &[course.advisory.as_str().into(), subject.into()],
        )?;
        let Some(row) = there else { return Ok(()) };
        let finding = stored(&row)?.value;
        if let Some(step) = course.step(&finding) {
            self.move_finding(finding.id, &step, None)?;
        }
        Ok(())
    }

    /// Moves a finding, if it is still of the expected version.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the move is refused.
    pub fn move_finding(
        &mut self,
        id: i64,
        step: &Move,
        expected: Option<i64>,
    ) -> Result<Stored<Finding>, Error> {
        let now = self.finding(id)?;
        let what = format!("finding/{id}");
        as_expected(&what, now.version, expected)?;
        self.heeds_exceptions(&now.value, step)?;
        if let Move::Shield { patch } = step {
            self.must_be_there(VirtualPatch::TABLE, patch)?;
            let patch: VirtualPatch = self.get(patch)?.value;
            if !patch.advisories.contains(&now.value.advisory) {
                return Err(Error::refused(format!(
                    "patch {} is not for {}",
                    patch.id, now.value.advisory
                )));
            }
        }
        let value = now.value.after(step, self.now_ms(), &Limits::records())?;
        let body = written(&value)?;
        let version = now.version + 1;
        let [due_ms, by] = schedule(&value);
        let values = [
            version.into(),
            body.as_str().into(),
            value.state().name().into(),
            due_ms,
            by,
            id.into(),
        ];
        self.connection.execute(
            "UPDATE finding SET version = $1, body = $2, state = $3, scheduled_ms = $4, scheduled_by = $5 WHERE id = $6",
            &values,
        )?;
        self.note(&format!("finding.{}", step.name()), &what, &body)?;
        Ok(Stored { version, value })
    }
}
