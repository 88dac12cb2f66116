//! A campaign: what was decided before it, and what people say while it runs.

use ledger::Refused;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::notice::Templates;
use crate::plan::Plan;
use crate::rules::Rules;

/// Texts that are kept of one vendor patch.
const NOTES: usize = 20;

/// What somebody said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignWord")]
pub struct Word {
    /// Who.
    pub who: String,
    /// What, or why.
    pub text: String,
    /// When.
    pub time_ms: i64,
}

/// Whether a stakeholder consents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignAnswer")]
pub struct Answer {
    /// The ring.
    pub ring: String,
    /// The service.
    pub service: String,
    /// Whether it may go on.
    pub consents: bool,
    /// Who answered, why, and when.
    pub word: Word,
}

/// What somebody says after having read what is known of a vendor patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The vendor patch.
    pub patch: String,
    /// The ring that it may, or may not, go to.
    pub ring: String,
    /// What was read: release notes, known issues, reports of others. Links, or what they say.
    pub read: Vec<Source>,
    /// A known issue that concerns us: the patch does not go to this ring, nor to later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Who signs, with a remark, and when.
    pub word: Word,
}

/// Something to read of a vendor patch, as it was when it was fetched or pasted. The text is kept
/// under its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignNote")]
pub struct Note {
    /// The vendor patch.
    pub patch: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it was fetched; none: somebody has pasted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of the text: SHA-256, in hexadecimal.
    pub digest: String,
    /// How long the text is, in bytes.
    pub bytes: usize,
    /// Who brought it, why, and when.
    pub word: Word,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReviewSource")]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Its address, or what it says.
    pub text: String,
    /// Of what is kept: its digest, so that it is known which text was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What tells of a vendor patch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ReviewSourceKind")]
pub enum SourceKind {
    /// What its vendor says that it changes.
    ReleaseNotes,
    /// What its vendor says that goes wrong with it.
    KnownIssues,
    /// What others say who have it.
    Reports,
}

impl SourceKind {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReleaseNotes => "release-notes",
            Self::KnownIssues => "known-issues",
            Self::Reports => "reports",
        }
    }
}

/// What shows how a vendor patch behaves where no test region does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignEvidence")]
pub struct Evidence {
    /// The vendor patch.
    pub patch: String,
    /// Where it was seen.
    pub from: Origin,
    /// Whether an asset restarts for it.
    pub reboot: bool,
    /// How long an asset took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// Who says so, what was seen, and when.
    pub word: Word,
}

/// Where something was seen that is no test region of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "EvidenceOrigin")]
pub enum Origin {
    /// At a provider, who tells it.
    Provider {
        /// Which.
        name: String,
    },
    /// On one asset that goes first.
    Canary {
        /// Which.
        asset: String,
    },
}

impl Origin {
    /// As what the evidence is named.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Provider { name } => format!("the provider {name} says so, we have not tried it"),
            Self::Canary { asset } => format!("tried on the canary {asset} alone"),
        }
    }
}

/// What is done about an asset that failed, or was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// Which.
    pub asset: String,
    /// Who does it: an address.
    pub owner: String,
    /// What was found out, and what will be done; by whom that is said, and when.
    pub word: Word,
}

/// The staged deployment of vendor patches on assets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its number; 0: it is a draft, which nobody has kept.
    pub id: i64,
    /// For people.
    pub title: String,
    /// Who answers for it: an address.
    pub owner: String,
    /// Whom to call when something is wrong.
    pub contact: String,
    /// The campaign whose failures this one takes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<i64>,
    /// Who planned it, and when.
    pub planned: Word,
    /// What is done where, and in which order.
    pub plan: Plan,
    /// How it goes about it.
    pub rules: Rules,
    /// What people are told.
    #[serde(default)]
    pub templates: Templates,
    /// Who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Word>,
    /// What there is to read of vendor patches, as it was when it was fetched or pasted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What was read and signed.
    #[serde(default)]
    pub reviews: Vec<Review>,
    /// What shows how patches behave where no test region does.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What stakeholders said.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What is done about assets that failed.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
    /// Who let it pause: nothing new is begun that can wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Word>,
    /// Who took all of it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Word>,
}

/// What people do with a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Move {
    /// Begin.
    Start {
        /// Why.
        why: String,
    },
    /// Keep something to read of a vendor patch.
    Note(Note),
    /// Sign that a vendor patch was reviewed.
    Review(Review),
    /// Tell what shows how a vendor patch behaves.
    Show(Evidence),
    /// Consent, or object.
    Answer(Answer),
    /// Tell what is done about an asset that failed.
    Remedy(Remedy),
    /// Begin nothing new.
    Pause {
        /// Why.
        why: String,
    },
    /// Go on.
    Resume {
        /// Why.
        why: String,
    },
    /// Stop, and take back what was done.
    RollBack {
        /// Why.
        why: String,
    },
}

impl Move {
    /// As in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Note(_) => "note",
            Self::Review(_) => "review",
            Self::Show(_) => "show",
            Self::Answer(_) => "answer",
            Self::Remedy(_) => "remedy",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::RollBack { .. } => "roll-back",
        }
    }
}

impl Campaign {
    /// The number of what nobody has kept.
    pub const DRAFT: i64 = 0;

    /// A draft of this plan, without a name: nobody has said anything of it, and nothing has begun.
    #[must_use]
    pub fn of(plan: Plan, planned: Word) -> Self {
        Self {
            id: Self::DRAFT,
            title: String::new(),
            owner: String::new(),
            contact: String::new(),
            follows: None,
            planned,
            plan,
            rules: Rules::default(),
            templates: Templates::default(),
            started: None,
            notes: Vec::new(),
            reviews: Vec::new(),
            evidence: Vec::new(),
            answers: Vec::new(),
            remedies: Vec::new(),
            paused: None,
            rolled_back: None,
        }
    }

    /// Its number for people; a draft has none.
    #[must_use]
    pub fn number(&self) -> String {
        match self.id {
            Self::DRAFT => "(draft)".to_owned(),
            id => id.to_string(),
        }
    }

    /// What its backups and calendar entries are named by.
    #[must_use]
    pub fn slug(id: i64) -> String {
        match id {
            Self::DRAFT => "campaign-draft".to_owned(),
            id => format!("campaign-{id}"),
        }
    }

    /// How far people have let it go, in a word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (&self.started, &self.paused) {
            _ if self.rolled_back.is_some() => "taken back",
            (None, _) => "planned",
            (Some(_), Some(_)) => "paused",
            (Some(_), None) => "started",
        }
    }

    /// What the campaign becomes when `who` makes a move.
    ///
    /// # Errors
    /// The move makes no sense now, or says too little.
    pub fn after(&self, step: &Move, who: &str, now_ms: i64) -> Result<Self, Refused> {
        let mut next = self.clone();
        let refuse = |why: String| {
            Err(Refused::new(format!(
                "campaign {}: it cannot {}, {why}",
                self.id,
                step.name()
            )))
        };
        let word = |text: &str| Word {
            who: who.to_owned(),
            text: text.to_owned(),
            time_ms: now_ms,
        };
        match step {
            Move::Start { .. } if self.started.is_some() => {
                return refuse("it has been started".to_owned());
            }
            Move::Start { why } => next.started = Some(word(why)),
            Move::Note(note) => {
                if let Some(why) = self.note_fault(note) {
                    return refuse(why);
                }
                let mut note = note.clone();
                note.word = word(&note.word.text);
                next.notes.push(note);
            }
            Move::Review(review) => {
                let mut review = review.clone();
                self.name_notes(&mut review);
                if let Some(why) = self.review_fault(&review) {
                    return refuse(why);
                }
                review.word = word(&review.word.text);
                next.reviews
                    .retain(|it| (&it.patch, &it.ring) != (&review.patch, &review.ring));
                next.reviews.push(review);
            }
            Move::Show(evidence) => {
                if !self.plan.has_patch(&evidence.patch) {
                    return refuse(format!("vendor patch {} is not in it", evidence.patch));
                }
                if evidence.word.text.trim().is_empty() {
                    return refuse("say what was seen".to_owned());
                }
                let mut evidence = evidence.clone();
                evidence.word = word(&evidence.word.text);
                next.evidence.retain(|it| it.patch != evidence.patch);
                next.evidence.push(evidence);
            }
            Move::Answer(answer) => {
                if let Some(why) = self.answer_fault(answer, who) {
                    return refuse(why);
                }
                let mut answer = answer.clone();
                answer.word = word(&answer.word.text);
                next.answers.push(answer);
            }
            Move::Remedy(remedy) => {
                let known = self.plan.assets.iter().any(|it| it.id == remedy.asset);
                if !known || remedy.word.text.trim().is_empty() {
                    return refuse(format!(
                        "name one of its assets (not `{}`), what was found out and what will be done",
                        remedy.asset.escape_debug()
                    ));
                }
                let mut remedy = remedy.clone();
                remedy.word = word(&remedy.word.text);
                next.remedies.retain(|it| it.asset != remedy.asset);
                next.remedies.push(remedy);
            }
            Move::Pause { .. } if self.paused.is_some() => {
                return refuse("it is paused".to_owned());
            }
            Move::Pause { why } => next.paused = Some(word(why)),
            Move::Resume { .. } if self.paused.is_none() => {
                return refuse("it is not paused".to_owned());
            }
            Move::Resume { .. } => next.paused = None,
            Move::RollBack { .. } if self.started.is_none() => {
                return refuse("nothing was done yet".to_owned());
            }
            Move::RollBack { .. } if self.rolled_back.is_some() => {
                return refuse("that is under way".to_owned());
            }
            Move::RollBack { why } => {
                next.rolled_back = Some(word(why));
                next.paused = None;
            }
        }
        Ok(next)
    }

    /// What there is to read of a vendor patch, the oldest first.
    pub fn notes_of<'a>(
        &'a self,
        patch: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Note> + Clone {
        self.notes.iter().filter(move |it| it.patch == patch)
    }

    fn note_fault(&self, note: &Note) -> Option<String> {
        if !self.plan.has_patch(&note.patch) {
            return Some(format!("vendor patch {} is not in it", note.patch));
        }
        let mut there = self.notes_of(&note.patch);
        if there.clone().count() >= NOTES {
            return Some(format!("of {} it keeps {NOTES} texts already", note.patch));
        }
        let same = there.any(|it| it.kind == note.kind && it.digest == note.digest);
        same.then(|| "this very text is kept already".to_owned())
    }

    fn review_fault(&self, review: &Review) -> Option<String> {
        if !self.plan.has_patch(&review.patch) {
            return Some(format!("vendor patch {} is not in it", review.patch));
        }
        if self.plan.ring(&review.ring).is_none() {
            return Some(format!("there is no ring {}", review.ring));
        }
        let read = |kind| review.read.iter().any(|it: &Source| it.kind == kind);
        let blank = review.read.iter().any(|it| it.text.trim().is_empty());
        let kept = |source: &Source| {
            let digest = source.digest.as_ref();
            digest.is_none_or(|it| self.notes_of(&review.patch).any(|note| note.digest == *it))
        };
        if let Some(unknown) = review.read.iter().find(|it| !kept(it)) {
            return Some(format!(
                "nothing with the digest of `{}` is kept",
                unknown.text
            ));
        }
        if blank || !read(SourceKind::ReleaseNotes) || !read(SourceKind::KnownIssues) {
            return Some(
                "name the release notes and the known issues that were read, by address or text"
                    .to_owned(),
            );
        }
        None
    }

    /// Says of each address that was read which text is kept of it, the last where there are several.
    fn name_notes(&self, review: &mut Review) {
        let notes = self.notes_of(&review.patch).rev();
        for source in &mut review.read {
            let mut named = notes
                .clone()
                .filter(|it| it.kind == source.kind && it.address.as_ref() == Some(&source.text));
            if source.digest.is_none() {
                source.digest = named.next().map(|it| it.digest.clone());
            }
        }
    }

    fn answer_fault(&self, answer: &Answer, who: &str) -> Option<String> {
        let Some(ring) = self.plan.ring(&answer.ring) else {
            return Some(format!("there is no ring {}", answer.ring));
        };
        let consent = ring.consents.iter().find(|it| it.service == answer.service);
        let Some(consent) = consent else {
            return Some(format!(
                "service {} is not affected in ring {}",
                answer.service, answer.ring
            ));
        };
        let named = [Some(&consent.stakeholder), consent.delegate.as_ref()];
        if !named.into_iter().flatten().any(|it| it == who) {
            return Some(format!(
                "{} answers for service {}, or the delegate named with it",
                consent.stakeholder, answer.service
            ));
        }
        if !answer.consents && answer.word.text.trim().is_empty() {
            return Some("say why you object".to_owned());
        }
        None
    }

    /// What was signed of a vendor patch for a ring.
    #[must_use]
    pub(crate) fn review_of(&self, patch: &str, ring: &str) -> Option<&Review> {
        let mut reviews = self.reviews.iter();
        reviews.find(|it| it.patch == patch && it.ring == ring)
    }

    /// The first objection that was not taken back by the same person.
    #[must_use]
    pub fn objection(&self) -> Option<&Answer> {
        self.answers.iter().enumerate().find_map(|(at, answer)| {
            let later = self.answers.iter().skip(at + 1);
            let taken_back = later.clone().any(|it| {
                it.consents
                    && (&it.ring, &it.service, &it.word.who)
                        == (&answer.ring, &answer.service, &answer.word.who)
            });
            (!answer.consents && !taken_back).then_some(answer)
        })
    }
}
