//! Exploits of nuclei's templates, rendered with other chance, another target and another
//! call-back host than those that the patches were made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::Plan;
use factory::import::nuclei::describe;
use factory::{Exploit, Limits};

use crate::corpora::Text;
use crate::crowdsec::{is_stopped, lines};

/// What became of the templates' exploits.
#[derive(Default)]
pub(crate) struct Exploits {
    /// Templates whose requests can be rendered.
    pub(crate) rendered: usize,
    /// Those of which every way to exploit is stopped at some step.
    pub(crate) stopped: usize,
    /// Those of which some request is stopped.
    pub(crate) touched: usize,
    /// The others, with a request that passes.
    pub(crate) missed: Vec<String>,
    /// Names of the templates that cannot be rendered, with the reason.
    pub(crate) unrendered: BTreeSet<String>,
}

/// Sends all exploits of all templates through a plan; `chance` chooses what is random.
pub(crate) fn exploits(texts: &[Text], plan: &Arc<Plan>, chance: u64) -> Exploits {
    let mut found = Exploits::default();
    for text in texts {
        let description = match describe(&text.text, &text.name, &Limits::default(), chance) {
            Ok(description) => description,
            Err((id, reason)) => {
                found.unrendered.insert(format!("{id}: {reason}"));
                continue;
            }
        };
        found.rendered += 1;
        let mut stages: BTreeMap<usize, Vec<&Exploit>> = BTreeMap::new();
        for exploit in &description.exploits {
            stages.entry(exploit.stage).or_default().push(exploit);
        }
        let stops = |exploit: &&Exploit| {
            let mut steps = exploit.steps.iter();
            steps.any(|step| is_stopped(&step.request, plan))
        };
        // Stages follow one another: to stop all ways through one is enough.
        let stopped = stages.values().any(|ways| ways.iter().all(&stops));
        let touched = stages.values().flatten().any(&stops);
        found.stopped += usize::from(stopped);
        found.touched += usize::from(touched);
        if !stopped {
            let ways = stages.values().flatten().filter(|way| !stops(way));
            let requests: Vec<_> = ways
                .flat_map(|way| way.steps.iter().map(|step| step.request.clone()))
                .take(3)
                .collect();
            let how = if touched { "partly " } else { "" };
            let shown = lines(&requests);
            found
                .missed
                .push(format!("{how}{}: {shown}", description.id));
        }
    }
    found
}
