//! Exploits to a narrow rule.
//!
//! 1. [`parts`] takes a request apart: which value stands where.
//! 2. [`leads`] asks the detectors what each value is ([`evidence`]): what classifies a
//!    value is what will stop it.
//! 3. [`candidates`] gives the rules that could stop it, the narrowest first, each at its
//!    [`endpoint`]; where no value shows an attack, [`structure`] looks at the rest.
//! 4. The first that holds its [`trial`] is taken: it stops the exploit, whatever chance
//!    chose, and lets its benign [`twins`] pass.
//! 5. The [`document`] of all is linted before it is handed out.

mod assemble;
mod candidates;
mod capitals;
mod classes;
mod credentials;
mod document;
mod endpoint;
mod evidence;
mod given;
mod hidden;
mod leads;
mod misled;
mod multipart;
mod pages;
mod parts;
mod path;
mod privileges;
mod published;
mod references;
mod shape;
mod structure;
mod trial;
mod twins;
mod unsigned;

use patch::Request;
use patch::document::{Case, Effect};

use crate::{Description, Exploit, Made, Options, Step};
use candidates::Candidate;
use classes::Hints;
use document::Draft;
pub(crate) use document::{checked, form};
pub(crate) use hidden::is_hidden;
use leads::Room;
use trial::Trial;

/// Cases of one kind that a document holds at most; more say nothing new.
const CASES: usize = 8;

/// Attacks of one request that get a rule at most.
const LEADS: usize = 3;

/// What a rule on URLs means for those who use the application.
const OWN_URLS: &str = "the application fetches what it is told to: only URLs of its own site pass, others that users may want are stopped too";

/// The patch for a description, proven on its own cases.
///
/// # Errors
/// Why none could be made, for people.
pub fn patch(description: &Description, options: &Options) -> Result<Made, String> {
    let mut synthesis = Synthesis {
        description,
        options,
        hints: Hints::of(description),
        room: Room::within(&options.limits),
        chosen: Vec::new(),
        so_far: None,
        draft: Draft::default(),
        open: None,
        notes: description.notes.clone(),
    };
    let mut open = Vec::new();
    for exploit in &description.exploits {
        if !synthesis.by_value(exploit)? {
            open.push(exploit);
        }
    }
    if synthesis.chosen.is_empty() {
        synthesis.by_structure(&description.exploits)?;
    } else if !open.is_empty() {
        synthesis.notes.push(format!(
            "{} of {} requests or sequences show no attack of a known class and are not covered",
            open.len(),
            description.exploits.len()
        ));
    }
    synthesis.finish()
}

struct Synthesis<'d> {
    description: &'d Description,
    options: &'d Options,
    hints: Hints,
    room: Room,
    chosen: Vec<Candidate>,
    /// What was chosen, ready to decide.
    so_far: Option<Trial>,
    /// The cases, and what else the rules do.
    draft: Draft,
    /// Why a rule that would hold was not taken: a person must accept what else it does.
    open: Option<String>,
    notes: Vec<String>,
}

impl Synthesis<'_> {
    /// Stops every step of an exploit that carries an attack; whether there was one.
    fn by_value(&mut self, exploit: &Exploit) -> Result<bool, String> {
        let mut any = false;
        for step in &exploit.steps {
            any |= self.step(exploit, step)?;
        }
        Ok(any)
    }

    fn step(&mut self, exploit: &Exploit, step: &Step) -> Result<bool, String> {
        if self.stopped(step)? {
            return Ok(true);
        }
        let parts = parts::parts(&step.request);
        if let Some(found) = pages::put(step, &parts)
            && self.holds(&found.candidate, step, &found.twins)?
        {
            self.note(found.why);
            self.take(found.candidate, exploit, step, found.twins, found.effect);
            return Ok(true);
        }
        let leads = leads::of(step, &parts, &self.hints, &mut self.room)?;
        let mut taken = 0;
        // Without what is stopped already.
        let mut rest = step.request.clone();
        'leads: for lead in &leads {
            // What else is never legitimate is stopped as well: another may leave out the first.
            if taken > 0 && !(lead.class.is_unmistakable() && taken < LEADS) {
                continue;
            }
            let twins = twins::of(&rest, lead, &leads);
            let narrows_use = lead.narrows_use(&self.hints);
            for candidate in candidates::of(lead, step, &parts) {
                let narrows = narrows_use && !candidate.is_of_inner_hosts();
                let effect = narrows.then_some(Effect::OwnUrlsOnly);
                for candidate in [candidate.clone(), candidate.lenient()] {
                    if self.holds(&candidate, step, &twins)? {
                        if effect.is_some() && !self.options.accept {
                            self.open.get_or_insert_with(|| OWN_URLS.to_owned());
                            continue;
                        }
                        if effect.is_some() {
                            self.note(OWN_URLS.to_owned());
                        }
                        if let Some(twin) = twins.first() {
                            rest = twin.clone();
                        }
                        self.take(candidate, exploit, step, twins, effect);
                        taken += 1;
                        continue 'leads;
                    }
                }
            }
        }
        Ok(taken > 0)
    }

    /// Where no value shows an attack, what else could be stopped.
    fn by_structure(&mut self, exploits: &[Exploit]) -> Result<(), String> {
        let by_host = |exploit: &Exploit| misled::is_host(exploit, &self.hints);
        if self.options.hosts.is_empty() && exploits.iter().any(by_host) {
            return Err(misled::UNTOLD.to_owned());
        }
        let last = exploits.iter().map(|exploit| exploit.stage).max();
        for exploit in exploits {
            let mut taken: Option<String> = None;
            for (step, found) in structure::of(exploit, &self.hints, &self.options.hosts) {
                // What comes before the last stage may only prepare.
                if found.tier > 0 && Some(exploit.stage) != last {
                    break;
                }
                // By what every step of it tells itself, every step is stopped.
                let every = found.tier == 0 || found.tier == 2;
                if taken
                    .as_ref()
                    .is_some_and(|why| *why != found.why || !every)
                {
                    continue;
                }
                if self.stopped(step)? {
                    match taken {
                        Some(_) => continue,
                        None => break,
                    }
                }
                let asked = [Effect::EndpointClosed, Effect::OwnUrlsOnly];
                if found.effect.is_some_and(|effect| asked.contains(&effect))
                    && !self.options.accept
                {
                    self.open.get_or_insert(found.why);
                    continue;
                }
                if self.holds(&found.candidate, step, &found.twins)? {
                    self.note(found.why.clone());
                    self.take(found.candidate, exploit, step, found.twins, found.effect);
                    taken = Some(found.why);
                }
            }
        }
        match (self.chosen.is_empty(), &self.open) {
            (true, Some(why)) => Err(format!("{why}; give --accept if nobody needs it")),
            (true, None) => Err(
                "nothing in its requests tells them from legitimate ones: no value looks like an attack of a known class"
                    .to_owned(),
            ),
            (false, _) => Ok(()),
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn document(&self, draft: Draft) -> patch::Document {
        document::document(draft, self.description, self.options)
    }

    fn trial(&self, candidates: &[Candidate]) -> Result<Trial, String> {
        Trial::of(self.document(assemble::draft(candidates, Draft::default())))
    }

    fn stopped(&mut self, step: &Step) -> Result<bool, String> {
        if self.chosen.is_empty() {
            return Ok(false);
        }
        let trial = match self.so_far.take() {
            Some(trial) => trial,
            None => self.trial(&self.chosen)?,
        };
        let trial = self.so_far.insert(trial);
        Ok(
            trial.stops(&step.request)
                && step.again.as_ref().is_none_or(|again| trial.stops(again)),
        )
    }

    fn holds(&self, candidate: &Candidate, step: &Step, twins: &[Request]) -> Result<bool, String> {
        let trial = self.trial(std::slice::from_ref(candidate))?;
        Ok(trial.stops(&step.request)
            && step.again.as_ref().is_none_or(|again| trial.stops(again))
            && !twins.iter().any(|twin| trial.stops(twin)))
    }

    fn take(
        &mut self,
        candidate: Candidate,
        exploit: &Exploit,
        step: &Step,
        twins: Vec<Request>,
        effect: Option<Effect>,
    ) {
        if !self.chosen.contains(&candidate) {
            self.so_far = None;
            self.chosen.push(candidate);
        }
        let draft = &mut self.draft;
        draft.effect = draft.effect.or(effect);
        let add = |cases: &mut Vec<Case>, name: String, request: &Request, success| {
            let case = Case {
                name,
                request: document::form(request),
                success,
                inert: None,
            };
            if cases.len() < CASES && !cases.iter().any(|known| known.request == case.request) {
                cases.push(case);
            }
        };
        let number = draft.exploits.len() + 1;
        add(
            &mut draft.exploits,
            format!("{number}: {}", exploit.name),
            &step.request,
            step.success.clone(),
        );
        for twin in &twins {
            let number = draft.benign.len() + 1;
            add(
                &mut draft.benign,
                format!("benign twin {number}"),
                twin,
                None,
            );
        }
    }

    fn finish(mut self) -> Result<Made, String> {
        let mut draft = assemble::draft(&self.chosen, std::mem::take(&mut self.draft));
        // A rule of one path may concern the twin of another.
        let trial = Trial::of(self.document(draft.clone()))?;
        draft
            .benign
            .retain(|case| Request::of(&case.request).is_ok_and(|request| !trial.stops(&request)));
        let document = self.document(draft);
        let mut comments = vec![format!("made of {}", self.description.source)];
        comments.extend(self.notes.iter().cloned());
        let yaml = document::checked(&document, &comments, self.options)?;
        Ok(Made {
            yaml,
            effect: document.effect,
            notes: self.notes,
        })
    }
}
