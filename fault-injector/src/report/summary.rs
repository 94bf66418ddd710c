//! The numbers of a report, as they also stand in `--json`.
//!
//! Models are judged in groups, because one rate over transient faults and, say, stuck bits would say
//! nothing of either. Every interval is at [`CONFIDENCE`]; those behind a factor are wider, so that the
//! factor as a whole is.

use super::campaign::Campaign;
use crate::results::{Backend, Header, Model, SCHEMA, Stratum, Zone};
use crate::statistics::CONFIDENCE;
use crate::statistics::bucket::Buckets;
use crate::statistics::comparison::{Factor, PerRequest, joint_confidence};
use crate::statistics::group::Group;
use crate::statistics::interval::{Interval, clopper_pearson, rule_of_three, wilson};
use crate::statistics::order::Order;
use crate::statistics::stopping::Measure;
use crate::statistics::stratified::{self, Rate, Sample};
use crate::statistics::tally::Tally;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All numbers of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the result format, and of this.
    pub schema: u32,
    /// Confidence of all intervals.
    pub confidence: f64,
    /// The plain build.
    pub plain: Option<CampaignSummary>,
    /// The hardened build.
    pub hardened: Option<CampaignSummary>,
    /// What hardening buys, for groups that both campaigns have.
    pub improvement: Vec<Improvement>,
}

/// The numbers of one campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignSummary {
    /// The file it was read from.
    pub file: String,
    /// What was planned.
    pub header: Header,
    /// Injections that were made.
    pub injections: u64,
    /// Whether those are all that were planned.
    pub complete: bool,
    /// What came of them.
    pub outcomes: Tally,
    /// The same by RocksDB's names.
    pub rocksdb_buckets: Buckets,
    /// Instructions from fault to detection, of all faults for which they were counted.
    #[serde(default)]
    pub detection: Option<Order>,
    /// The same by the runtime's stage.
    #[serde(default)]
    pub detection_by_stage: BTreeMap<String, Order>,
    /// Models judged together.
    pub groups: Vec<GroupSummary>,
    /// Each model.
    pub models: Vec<ModelSummary>,
    /// Each model in each zone.
    pub strata: Vec<StratumSummary>,
}

/// Models judged together: faults in handlers and in the runtime, and beside them those around handlers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSummary {
    /// Which.
    pub group: Group,
    /// What came of its injections.
    pub outcomes: Tally,
    /// Silent corruption of either kind: wrong replies and wrong states.
    pub undetected: Rate,
    /// Wrong replies that left with a valid checksum.
    pub wrong_reply: Rate,
    /// Wrong states behind right replies.
    pub latent_sdc: Rate,
    /// Undetected faults per request.
    pub sdc_per_request: PerRequest,
    /// Undetected faults in code around handlers ([`Zone::Outside`]), if the target has any; no other
    /// number here counts them.
    #[serde(default)]
    pub outside: Option<Rate>,
    /// Undetected faults in all code together.
    #[serde(default)]
    pub everywhere: Option<Rate>,
    /// 3 / n where nothing went undetected.
    pub rule_of_three: Option<f64>,
}

/// One model, in code that hardening answers for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Which.
    pub model: Model,
    /// What came of its injections.
    pub outcomes: Tally,
    /// Undetected, weighted over its zones.
    pub undetected: Rate,
    /// Wilson's interval of the plain share, for charts.
    pub wilson: Interval,
}

/// One model in one zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StratumSummary {
    /// As planned.
    pub stratum: Stratum,
    /// What came of its injections.
    pub outcomes: Tally,
    /// The exact interval of its undetected share.
    pub undetected: Interval,
}

/// How many times smaller the hardened value is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Improvement {
    /// For these models.
    pub group: Group,
    /// Of the undetected rate.
    pub undetected_rate: Factor,
    /// Of the undetected faults per request.
    pub sdc_per_request: Factor,
}

impl Summary {
    pub(super) fn new(plain: Option<&Campaign>, hardened: Option<&Campaign>) -> Self {
        let improvement = match plain.zip(hardened) {
            Some((plain, hardened)) => Group::ALL
                .into_iter()
                .filter(|group| has(plain, *group) && has(hardened, *group))
                .map(|group| improvement(plain, hardened, group))
                .collect(),
            None => Vec::new(),
        };
        Self {
            schema: SCHEMA,
            confidence: CONFIDENCE,
            plain: plain.map(CampaignSummary::new),
            hardened: hardened.map(CampaignSummary::new),
            improvement,
        }
    }

    /// The group that the headline is about: the first of [`Group::ALL`] that all campaigns have, else
    /// the first that one has.
    pub fn headline(&self) -> Group {
        let campaigns = || self.plain.iter().chain(&self.hardened);
        let in_all = |group: &&Group| campaigns().all(|campaign| campaign.group(**group).is_some());
        let in_one = |group: &&Group| campaigns().any(|campaign| campaign.group(**group).is_some());
        let found = Group::ALL.iter().find(in_all);
        *found
            .or_else(|| Group::ALL.iter().find(in_one))
            .unwrap_or(&Group::Transient)
    }

    /// The improvement of a group, if both campaigns have it.
    pub fn improvement_of(&self, group: Group) -> Option<&Improvement> {
        self.improvement.iter().find(|entry| entry.group == group)
    }
}

impl CampaignSummary {
    fn new(campaign: &Campaign) -> Self {
        let groups = Group::ALL
            .into_iter()
            .filter(|group| has(campaign, *group))
            .map(|group| GroupSummary::new(campaign, group))
            .collect();
        let models = Model::ALL
            .into_iter()
            .filter(|model| {
                campaign
                    .header
                    .fault_space
                    .iter()
                    .any(|stratum| stratum.model == *model)
            })
            .map(|model| ModelSummary::new(campaign, model))
            .collect();
        let strata = campaign.header.fault_space.iter();
        let counts: Vec<u64> = campaign.instructions.values().flatten().copied().collect();
        Self {
            file: campaign.file.clone(),
            header: campaign.header.clone(),
            injections: campaign.total.injections(),
            complete: campaign.is_complete(),
            outcomes: campaign.total,
            rocksdb_buckets: Buckets::new(&campaign.total, campaign.header.injections),
            detection: Order::of(&counts),
            detection_by_stage: campaign
                .instructions
                .iter()
                .filter_map(|(stage, counts)| Some((stage.clone(), Order::of(counts)?)))
                .collect(),
            groups,
            models,
            strata: strata
                .map(|stratum| StratumSummary::new(campaign, stratum))
                .collect(),
        }
    }

    /// A group's numbers, if the campaign has it.
    pub fn group(&self, group: Group) -> Option<&GroupSummary> {
        self.groups.iter().find(|entry| entry.group == group)
    }

    /// A model's numbers, if the campaign has it.
    pub fn model(&self, model: Model) -> Option<&ModelSummary> {
        self.models.iter().find(|entry| entry.model == model)
    }

    /// A stratum's numbers, if the campaign has it.
    pub fn stratum(&self, model: Model, zone: Zone) -> Option<&StratumSummary> {
        let wanted =
            |entry: &&StratumSummary| (entry.stratum.model, entry.stratum.zone) == (model, zone);
        self.strata.iter().find(wanted)
    }
}

impl GroupSummary {
    fn new(campaign: &Campaign, group: Group) -> Self {
        let rate = |code: Code, measure| {
            let samples = samples(campaign, |model| Group::of(model) == group, code, measure);
            stratified::rate(&samples, CONFIDENCE)
        };
        let of = |measure| rate(Code::Protected, measure);
        let undetected = of(Measure::Undetected);
        let outside = rate(Code::Outside, Measure::Undetected);
        let has_outside = outside.points > 0 || outside.injections > 0;
        let nothing = undetected.hits == 0 && undetected.injections > 0;
        Self {
            group,
            outcomes: tally(campaign, |model| Group::of(model) == group),
            undetected,
            wrong_reply: of(Measure::WrongReply),
            latent_sdc: of(Measure::LatentSdc),
            outside: has_outside.then_some(outside),
            everywhere: has_outside.then(|| rate(Code::All, Measure::Undetected)),
            sdc_per_request: PerRequest::new(&undetected, campaign.header.requests),
            rule_of_three: nothing.then(|| rule_of_three(undetected.injections)),
        }
    }
}

impl ModelSummary {
    fn new(campaign: &Campaign, model: Model) -> Self {
        let outcomes = tally(campaign, |other| other == model);
        let samples = samples(
            campaign,
            |other| other == model,
            Code::Protected,
            Measure::Undetected,
        );
        Self {
            model,
            outcomes,
            undetected: stratified::rate(&samples, CONFIDENCE),
            wilson: wilson(outcomes.undetected(), outcomes.injections(), CONFIDENCE),
        }
    }
}

impl StratumSummary {
    fn new(campaign: &Campaign, stratum: &Stratum) -> Self {
        let outcomes = campaign.strata[&(stratum.model, stratum.zone)];
        Self {
            stratum: stratum.clone(),
            outcomes,
            undetected: clopper_pearson(outcomes.undetected(), outcomes.injections(), CONFIDENCE),
        }
    }
}

fn improvement(plain: &Campaign, hardened: &Campaign, group: Group) -> Improvement {
    let rate = |campaign: &Campaign| {
        let samples = samples(
            campaign,
            |model| Group::of(model) == group,
            Code::Protected,
            Measure::Undetected,
        );
        stratified::rate(&samples, joint_confidence(CONFIDENCE))
    };
    let (before, after) = (rate(plain), rate(hardened));
    let per_request = |rate: &Rate, campaign: &Campaign| {
        let value = PerRequest::new(rate, campaign.header.requests);
        (value.undetected, value.interval)
    };
    Improvement {
        group,
        undetected_rate: Factor::new((before.rate, before.interval), (after.rate, after.interval)),
        sdc_per_request: Factor::new(per_request(&before, plain), per_request(&after, hardened)),
    }
}

/// Whose code is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// Handlers, what they call, and the runtime: what hardening answers for.
    Protected,
    /// What lies around handlers.
    Outside,
    All,
}

impl Code {
    fn has(self, zone: Zone) -> bool {
        match self {
            Self::Protected => zone != Zone::Outside,
            Self::Outside => zone == Zone::Outside,
            Self::All => true,
        }
    }
}

fn samples(
    campaign: &Campaign,
    wanted: impl Fn(Model) -> bool,
    code: Code,
    measure: Measure,
) -> Vec<Sample> {
    let strata = campaign.header.fault_space.iter();
    let samples = strata
        .filter(|stratum| wanted(stratum.model) && code.has(stratum.zone))
        .map(|stratum| {
            let tally = &campaign.strata[&(stratum.model, stratum.zone)];
            Sample {
                points: stratum.points,
                injections: tally.injections(),
                hits: measure.of(tally),
            }
        });
    match campaign.header.backend {
        Backend::Replay => samples.collect(),
        // Drawn uniformly over all of them: one stratum.
        Backend::Live => vec![samples.fold(Sample::default(), Sample::with)],
    }
}

fn tally(campaign: &Campaign, wanted: impl Fn(Model) -> bool) -> Tally {
    let mut total = Tally::default();
    let strata = campaign.strata.iter();
    total.extend(
        strata
            .filter(|((model, zone), _)| wanted(*model) && Code::Protected.has(*zone))
            .map(|(_, tally)| tally),
    );
    total
}

fn has(campaign: &Campaign, group: Group) -> bool {
    let mut strata = campaign.header.fault_space.iter();
    strata.any(|stratum| Group::of(stratum.model) == group)
}
