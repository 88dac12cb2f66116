//! What a plan of a campaign is made of, and what other campaigns have to do with one.

use std::collections::BTreeSet;

use campaign::description::{Description, Known};
use campaign::machine::{Fate, fates};
use campaign::{Campaign, Word};
use ledger::{Advisory, Asset, Exception, Finding};

use crate::{Change, Error, FindingFilter, Page, Paging, Session, Stored};

/// What the ledger knows that a plan needs.
pub struct Facts {
    assets: Vec<Asset>,
    advisories: Vec<Advisory>,
    findings: Vec<Finding>,
    exceptions: Vec<Exception>,
}

impl Facts {
    /// As a description takes it.
    #[must_use]
    pub fn known(&self) -> Known<'_> {
        Known {
            assets: &self.assets,
            advisories: &self.advisories,
            findings: &self.findings,
            exceptions: &self.exceptions,
        }
    }
}

impl Change<'_> {
    /// Plans a campaign from its description and what the ledger knows, for all assets or for those
    /// that another campaign left.
    ///
    /// # Errors
    /// It cannot be planned so, or there is nothing to do.
    pub fn plan_described(
        &mut self,
        description: &Description,
        follows: Option<i64>,
    ) -> Result<Stored<Campaign>, Error> {
        let facts = self.facts(description)?;
        let left = follows.map(|id| self.unfinished(id)).transpose()?;
        let planned = Word {
            who: self.who().to_owned(),
            text: self.why().to_owned(),
            time_ms: self.now_ms(),
        };
        let follows = follows.zip(left.as_ref());
        self.plan_campaign(|id| description.campaign(id, facts.known(), follows, planned))
    }
}

impl Session<'_> {
    /// The campaign that [`Change::plan_described`] would plan by this word, without a number.
    ///
    /// # Errors
    /// It cannot be planned so, or there is nothing to do.
    pub fn draft(
        &mut self,
        description: &Description,
        follows: Option<i64>,
        planned: Word,
    ) -> Result<Campaign, Error> {
        let facts = self.facts(description)?;
        let left = follows.map(|id| self.unfinished(id)).transpose()?;
        let follows = follows.zip(left.as_ref());
        Ok(description.campaign(Campaign::DRAFT, facts.known(), follows, planned)?)
    }

    /// What there is to know of a description's patches, and all assets.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn facts(&mut self, description: &Description) -> Result<Facts, Error> {
        let patches = description.patches.iter();
        let fixed: BTreeSet<&String> = patches.flat_map(|it| &it.fixes).collect();
        let assets = self.every(|it, paging| it.list::<Asset>(paging))?;
        let (mut advisories, mut findings) = (Vec::new(), Vec::new());
        for id in fixed {
            match self.get::<Advisory>(id) {
                Ok(found) => advisories.push(found.value),
                Err(error) if error.is_missing() => continue,
                Err(error) => return Err(error),
            }
            let filter = FindingFilter {
                advisory: Some(id.clone()),
                ..FindingFilter::default()
            };
            findings.extend(self.all_findings(&filter)?);
        }
        let values = |findings: Vec<Stored<Finding>>| findings.into_iter().map(|it| it.value);
        let exceptions = self.exceptions_in_force()?.into_iter();
        Ok(Facts {
            assets: assets.into_iter().map(|it| it.value).collect(),
            advisories,
            findings: values(findings).collect(),
            exceptions: exceptions.map(|it| it.value).collect(),
        })
    }

    /// The assets that a campaign did not bring to their end.
    ///
    /// # Errors
    /// There are none, it is not there, or the database cannot be asked.
    pub(crate) fn unfinished(&mut self, id: i64) -> Result<BTreeSet<String>, Error> {
        let campaign = self.campaign(id)?.value;
        let journal = self.campaign_journal(id)?;
        let unfinished: BTreeSet<String> = fates(&campaign, &journal)
            .into_iter()
            .filter(|it| !matches!(it.fate, Fate::Done { outstanding: None }))
            .filter_map(|it| Some(campaign.plan.asset(it.asset)?.id.clone()))
            .collect();
        match unfinished.is_empty() {
            true => Err(Error::refused(format!(
                "campaign {id} left nothing to take up"
            ))),
            false => Ok(unfinished),
        }
    }

    /// The numbers of the campaigns that take up what a campaign left.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn campaigns_after(&mut self, id: i64) -> Result<Vec<i64>, Error> {
        let campaigns = self.all_campaigns()?;
        let following = campaigns.iter().map(|it| &it.value);
        let following = following.filter(|it| it.follows == Some(id));
        Ok(following.map(|it| it.id).collect())
    }

    /// All campaigns without the assets of their plans, the oldest first.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn all_campaigns(&mut self) -> Result<Vec<Stored<Campaign>>, Error> {
        self.every(|it, paging| it.campaigns(paging))
    }

    /// All pages of a list.
    pub(crate) fn every<T>(
        &mut self,
        mut page: impl FnMut(&mut Self, Paging<'_>) -> Result<Page<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let paging = Paging {
                after: after.as_deref(),
                most: None,
            };
            let found = page(self, paging)?;
            all.extend(found.items);
            after = found.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}
