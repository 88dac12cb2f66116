//! Which patches concern a request: by its route, and of these whom its head does not rule out.

use crate::plan::Plan;
use crate::plan::glance::{Reader, Sight};
use crate::request::RequestHead;

/// Who looks which patches concern a request, before anything is kept of it; scratch for the
/// next one.
#[derive(Default)]
pub(crate) struct Scout {
    pub(super) concerned: Vec<u32>,
    /// What the head shows of itself.
    sight: Sight,
    /// Scratch of the route index.
    path: Vec<u8>,
}

impl Scout {
    /// Finds the patches that concern the request, in their order.
    pub(super) fn look(&mut self, plan: &Plan, head: &RequestHead<'_>, traced: bool) {
        plan.routes.lookup(
            head.application,
            head.host,
            head.method,
            head.target,
            &mut self.path,
            &mut self.concerned,
        );
        // A trace is of all rules.
        if !traced {
            self.leave_out(plan, head);
        }
        self.concerned.sort_unstable();
        self.concerned.dedup();
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
        concerned.retain(|&at| {
            let Some(clue) = plan.clues.get(at as usize) else {
                return true;
            };
            if !clue.is_in(head, sight, &reader) {
                return false;
            }
            let patch = plan.patches.get(at as usize);
            let glance = patch.and_then(|patch| patch.glance.as_ref());
            glance.is_none_or(|glance| glance.admits(clue, head, sight, &reader))
        });
    }
}
