//! Which patches concern a request: by its route, and of these whom its head does not rule out.

use crate::plan::Plan;
use crate::plan::concern::Concern;
use crate::plan::glance::{Reader, Sight};
use crate::plan::route::Asked;
use crate::request::RequestHead;

/// Who looks which patches concern a request, before anything is kept of it; scratch for the
/// next one.
#[derive(Default)]
pub(crate) struct Scout {
    pub(super) concerned: Vec<Concern>,
    /// What the head shows of itself.
    sight: Sight,
    /// Scratch of the route index.
    path: Vec<u8>,
}

impl Scout {
    /// Finds the patches that concern the request, in their order.
    pub(super) fn look(&mut self, plan: &Plan, head: &RequestHead<'_>, traced: bool) {
        let asked = Asked {
            application: head.application,
            host: head.host,
            method: head.method,
            target: head.target,
        };
        let concerned = &mut self.concerned;
        concerned.clear();
        let readings = plan.routes.lookup(&asked, &mut self.path, &mut |concern| {
            concerned.push(*concern);
        });
        if readings > 1 {
            settle(concerned);
        }
        // A trace is of all rules.
        if !traced {
            self.leave_out(plan, head);
        }
        settle(&mut self.concerned);
    }

    /// Leaves out the patches that the head rules out.
    fn leave_out(&mut self, plan: &Plan, head: &RequestHead<'_>) {
        let Self {
            concerned, sight, ..
        } = self;
        if concerned.is_empty() {
            return;
        }
        let settings = &plan.base.settings;
        let reader = Reader {
            scan: &plan.scan,
            limits: plan.limits(),
            separators: (plan.base.argument_separator, settings.cookie_separator),
            unusual: settings.cookie_version_1 || settings.arguments_limit.is_some(),
        };
        sight.reset(head, &reader);
        let all = &plan.concerns;
        concerned.retain(|concern| {
            concern.clue.is_in(head, sight, &all.needed, &reader)
                && all
                    .glance(concern)
                    .is_none_or(|glance| glance.admits(&concern.clue, head, sight, &reader))
        });
    }
}

/// In the order of the patches, each once.
fn settle(concerned: &mut Vec<Concern>) {
    concerned.sort_unstable_by_key(|concern| concern.patch);
    concerned.dedup_by_key(|concern| concern.patch);
}
