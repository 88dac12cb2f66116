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
    /// Those of further readings of the path, which may have been found before.
    again: Vec<Concern>,
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
        let Self {
            concerned,
            again,
            sight,
            path,
        } = self;
        concerned.clear();
        let mut look = Look::new(plan, head, sight);
        // A trace is of all rules.
        let mut stays = |concern: &Concern| traced || look.admits(concern);
        plan.routes.lookup(&asked, path, &mut |concern, reading| {
            // In each reading the same may come: they are asked once.
            if reading > 0 {
                again.push(*concern);
            } else if stays(concern) {
                concerned.push(*concern);
            }
        });
        if !again.is_empty() {
            settle(again);
            again.retain(stays);
            concerned.append(again);
        }
        settle(concerned);
    }
}

/// A look at a head, which most patches of a route are ruled out by.
struct Look<'a> {
    plan: &'a Plan,
    head: &'a RequestHead<'a>,
    sight: &'a mut Sight,
    reader: Reader<'a>,
    /// Whether it has been begun.
    begun: bool,
}

impl<'a> Look<'a> {
    fn new(plan: &'a Plan, head: &'a RequestHead<'a>, sight: &'a mut Sight) -> Self {
        let settings = &plan.base.settings;
        let reader = Reader {
            scan: &plan.scan,
            limits: plan.limits(),
            separators: (plan.base.argument_separator, settings.cookie_separator),
            unusual: settings.cookie_version_1 || settings.arguments_limit.is_some(),
        };
        Self {
            plan,
            head,
            sight,
            reader,
            begun: false,
        }
    }

    /// Whether the head does not rule the patch out.
    fn admits(&mut self, concern: &Concern) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            self.sight.reset(self.head, &self.reader);
        }
        let concerns = &self.plan.concerns;
        concerns.admits(concern, self.head, self.sight, &self.reader)
    }
}

/// In the order of the patches, each once.
fn settle(concerned: &mut Vec<Concern>) {
    concerned.sort_unstable_by_key(|concern| concern.patch);
    concerned.dedup_by_key(|concern| concern.patch);
}
