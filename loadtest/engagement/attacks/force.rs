//! Who carries an attack out, and from where.

use crate::engagement::event::Place;
use crate::engagement::plan::Plan;
use crate::people::DAY_MS;
use crate::random::Random;

/// Accounts per device of a farm and devices per network of it.
const PER_DEVICE: (usize, usize) = (3, 15);
const DEVICES_PER_NETWORK: usize = 25;
/// Ages of bought accounts: log-normal, in days, and at least so many.
const AGED_DAYS_MEDIAN: f64 = 420.0;
const AGED_SIGMA: f64 = 0.8;
const AGED_DAYS_MIN: f64 = 45.0;
/// Fresh accounts were registered within so many days before the attack.
const FRESH_DAYS: i64 = 14;

/// Where the accounts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    /// Registered for the purpose, days before.
    Fresh,
    /// Registered long ago, and sold.
    Aged,
    /// Half of each.
    Mixed,
    /// Other people's, taken over; some of them dormant.
    Hijacked,
    /// People who do it for money, with their own lives beside it.
    Workers,
}

/// Where they act from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quarters {
    /// Several accounts per device, few networks.
    Farm,
    /// A device for each, and another household's or carrier's address for every event.
    Phones,
    /// Where the owners live.
    Own,
}

impl Supply {
    fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Aged => "aged",
            Self::Mixed => "mixed",
            Self::Hijacked => "hijacked",
            Self::Workers => "workers",
        }
    }

    /// What is for sale, by how common it is: fresh accounts are cheapest.
    pub(crate) fn bought(random: &mut Random) -> Self {
        random.pick(&[Self::Fresh, Self::Fresh, Self::Aged, Self::Aged, Self::Mixed])
    }
}

impl Quarters {
    fn name(self) -> &'static str {
        match self {
            Self::Farm => "farm",
            Self::Phones => "phones",
            Self::Own => "own",
        }
    }

    /// Farm or clean telephones.
    pub(crate) fn bought(random: &mut Random) -> Self {
        random.pick(&[Self::Farm, Self::Farm, Self::Phones])
    }
}

/// The accounts of an attack and their places.
#[derive(Debug)]
pub(crate) struct Force {
    pub(crate) actors: Vec<u32>,
    quarters: Quarters,
    devices: Vec<u32>,
    networks: Vec<u32>,
}

impl Force {
    /// Gets `count` accounts for an attack that begins at `from_ms`; the group's traits say so.
    pub(crate) fn recruit(
        plan: &mut Plan<'_>,
        random: &mut Random,
        group: u32,
        (supply, quarters): (Supply, Quarters),
        (count, from_ms): (usize, i64),
    ) -> Self {
        let actors: Vec<u32> = match supply {
            Supply::Hijacked => hijacked(plan, random, count, from_ms),
            Supply::Workers => {
                let mut workers = plan.workers.clone();
                workers.retain(|at| plan.world.actors.all[*at as usize].registered_ms < from_ms);
                random.shuffle(&mut workers);
                workers.truncate(count);
                workers
            }
            Supply::Fresh | Supply::Aged | Supply::Mixed => {
                (0..count).map(|_| buy(plan, random, supply, from_ms)).collect()
            }
        };
        let per_device = random.count(PER_DEVICE);
        let device_count = match quarters {
            Quarters::Farm => actors.len().div_ceil(per_device),
            Quarters::Phones => actors.len(),
            Quarters::Own => 0,
        };
        let devices: Vec<u32> = (0..device_count).map(|_| plan.world.actors.new_device()).collect();
        let network_count =
            if quarters == Quarters::Farm { devices.len().div_ceil(DEVICES_PER_NETWORK) } else { 0 };
        let networks = (0..network_count).map(|_| plan.world.actors.new_network()).collect();
        plan.group(group).traits.extend([
            ("supply", supply.name().to_owned()),
            ("quarters", quarters.name().to_owned()),
            ("accounts", actors.len().to_string()),
            ("devices", devices.len().to_string()),
        ]);
        Self { actors, quarters, devices, networks }
    }

    /// Where the n-th account is at a moment.
    pub(crate) fn place(&self, plan: &Plan<'_>, random: &mut Random, nth: usize, time_ms: i64) -> Place {
        let actors = &plan.world.actors;
        match self.quarters {
            Quarters::Own => actors.place_of(random, self.actors[nth], time_ms),
            Quarters::Farm => {
                Place { device: self.devices[nth % self.devices.len()], network: random.pick(&self.networks) }
            }
            Quarters::Phones => {
                let is_mobile = random.chance(0.5);
                let network = if is_mobile { actors.some_gateway(random) } else { actors.some_home(random) };
                Place { device: self.devices[nth], network }
            }
        }
    }
}

/// Residents of a year and more, a third of them dormant until now.
fn hijacked(plan: &Plan<'_>, random: &mut Random, count: usize, from_ms: i64) -> Vec<u32> {
    let is_old = |registered_ms: i64| from_ms - registered_ms > 365 * DAY_MS;
    let mut found = plan
        .world
        .actors
        .residents(random, count / 3, |actor| actor.activity <= 0.0 && is_old(actor.registered_ms));
    let rest = count - found.len().min(count);
    found.extend(
        plan.world
            .actors
            .residents(random, rest, |actor| actor.activity > 0.0 && is_old(actor.registered_ms)),
    );
    random.shuffle(&mut found);
    found
}

/// An account that was for sale.
fn buy(plan: &mut Plan<'_>, random: &mut Random, supply: Supply, from_ms: i64) -> u32 {
    let is_fresh = match supply {
        Supply::Fresh => true,
        Supply::Mixed => random.chance(0.5),
        Supply::Aged | Supply::Hijacked | Supply::Workers => false,
    };
    let start_ms = plan.world.start_ms;
    if is_fresh {
        let registered_ms = from_ms - random.between(DAY_MS / 24, FRESH_DAYS * DAY_MS);
        let credit = random.count((1, 2)) as u8;
        return plan.world.actors.add(random, start_ms, registered_ms, credit);
    }
    let age_days = random.log_normal(AGED_DAYS_MEDIAN, AGED_SIGMA).max(AGED_DAYS_MIN);
    let credit = random.count((1, 3)) as u8;
    let registered_ms = from_ms - (age_days * DAY_MS as f64) as i64;
    plan.world.actors.add(random, start_ms, registered_ms, credit)
}
