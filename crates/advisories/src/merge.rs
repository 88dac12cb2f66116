//! What a source tells, and what becomes of what was known.

use std::collections::HashSet;

use ledger::{Advisory, KnownExploited};

/// One thing that a source tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A vulnerability and what it affects.
    Advisory(Box<Advisory>),
    /// A vulnerability is known to be exploited.
    Exploited {
        /// What the catalogue says; it does not say which versions are affected.
        advisory: Box<Advisory>,
    },
    /// How probable its exploitation is.
    Probability {
        /// Its CVE.
        id: String,
        /// In millionths.
        epss_millionths: u32,
    },
}

impl News {
    /// The vulnerability that it is about.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Advisory(advisory) | Self::Exploited { advisory } => &advisory.id,
            Self::Probability { id, .. } => id,
        }
    }

    /// What is known with it. A source replaces what was known of the same packages and keeps
    /// the rest; a probability of what is not known says nothing.
    #[must_use]
    pub fn after(&self, known: Option<&Advisory>) -> Option<Advisory> {
        match (self, known) {
            (Self::Advisory(new), None) => Some((**new).clone()),
            (Self::Advisory(new), Some(known)) => Some(merged(new, known)),
            (Self::Exploited { advisory }, None) => Some((**advisory).clone()),
            (Self::Exploited { advisory }, Some(known)) => Some(Advisory {
                exploited: true,
                known_exploited: advisory.known_exploited.clone(),
                ..known.clone()
            }),
            (Self::Probability { .. }, None) => None,
            (
                Self::Probability {
                    epss_millionths, ..
                },
                Some(known),
            ) => Some(Advisory {
                epss_millionths: Some(*epss_millionths),
                ..known.clone()
            }),
        }
    }
}

fn merged(new: &Advisory, known: &Advisory) -> Advisory {
    let mut next = new.clone();
    let told: HashSet<&str> = new.affected.iter().map(|it| it.what.as_str()).collect();
    let kept = known
        .affected
        .iter()
        .filter(|it| !told.contains(it.what.as_str()));
    next.affected.extend(kept.cloned());
    for (list, more) in [
        (&mut next.aliases, &known.aliases),
        (&mut next.cwe, &known.cwe),
        (&mut next.references, &known.references),
    ] {
        let more: Vec<_> = more
            .iter()
            .filter(|it| !list.contains(it))
            .cloned()
            .collect();
        list.extend(more);
    }
    // What only another source tells is not lost.
    if new.cvss.is_none() && known.cvss.is_some() {
        next.cvss = known.cvss.clone();
        next.severity = known.severity;
    }
    next.exploited |= known.exploited;
    let entry: &Option<KnownExploited> = &known.known_exploited;
    next.known_exploited = next.known_exploited.or_else(|| entry.clone());
    next.epss_millionths = next.epss_millionths.or(known.epss_millionths);
    next.exploitation = next.exploitation.or(known.exploitation);
    next.automatable = next.automatable.or(known.automatable);
    next.technical_impact = next.technical_impact.or(known.technical_impact);
    next.published_ms = match (new.published_ms, known.published_ms) {
        (Some(new), Some(known)) => Some(new.min(known)),
        (new, known) => new.or(known),
    };
    next.fixed_in = next.fixed_in.or_else(|| known.fixed_in.clone());
    next
}
