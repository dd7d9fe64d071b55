//! Actors: age, credit, time zone, interests, devices and networks.
//!
//! A network is one address as the platform sees it: that of a home router, of an office, of the gateways of a campus,
//! or of a carrier that puts hundreds of telephones behind one address (RFC 6888).

use crate::engagement::event::Place;
use crate::engagement::season::{ZONES, is_office_hour};
use crate::people::DAY_MS;
use crate::random::{Random, Weighted, mix};

/// Interests; the last two are those of people abroad.
pub(crate) const TOPICS: usize = 32;
pub(crate) const TOPICS_ABROAD: usize = 2;
/// People per address of a carrier's gateway, per campus and per office.
const PEOPLE_PER_GATEWAY: usize = 700;
const PEOPLE_PER_CAMPUS: usize = 500;
const PEOPLE_PER_OFFICE: usize = 60;
/// Gateways that a telephone is moved between from day to day.
const GATEWAYS_NEAR: u32 = 4;
const GATEWAYS_PER_CAMPUS: u32 = 2;
/// Shares of the population.
const STUDENTS: f64 = 0.06;
const OFFICE_WORKERS: f64 = 0.22;
/// Accounts that never act, except when somebody else uses them.
const DORMANT: f64 = 0.2;
/// Accounts registered in the last thirty days before the run or while it goes on.
const NEWCOMERS: f64 = 0.035;
const SECOND_DEVICE: f64 = 0.2;
/// Members of a household who use the device of the one before.
const SHARED_DEVICE: f64 = 0.06;
/// Ages of accounts: log-normal, in days.
const AGE_DAYS_MEDIAN: f64 = 520.0;
const AGE_SIGMA: f64 = 1.2;
const AGE_DAYS_MAX: f64 = 4_800.0;
/// Zipf-Mandelbrot: exponent and offset of how often people come.
const ACTIVITY_EXPONENT: f64 = 0.85;
const ACTIVITY_OFFSET: f64 = 40.0;
/// Targets that a person comes back to.
pub(crate) const FAVOURITES: usize = 6;

/// Where somebody spends office hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daytime {
    Home,
    Office(u32),
    Campus(u32),
}

/// One account that acts.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) registered_ms: i64,
    pub(crate) credit_tier: u8,
    pub(crate) zone: usize,
    pub(crate) topics: [usize; 2],
    pub(crate) activity: f64,
    /// How readily the account likes, comments and follows; 1 on average.
    pub(crate) warmth: f64,
    pub(crate) favourites: [u32; FAVOURITES],
    pub(crate) devices: [u32; 2],
    pub(crate) home: u32,
    pub(crate) daytime: Daytime,
    /// Share of events over the carrier's network, and the first of its gateways.
    pub(crate) mobile: f64,
    pub(crate) region: u32,
}

impl Actor {
    /// Age in whole days; never negative.
    pub(crate) fn age_days(&self, time_ms: i64) -> i64 {
        (time_ms - self.registered_ms).div_euclid(DAY_MS).max(0)
    }
}

/// Everybody.
#[derive(Debug)]
pub(crate) struct Actors {
    pub(crate) all: Vec<Actor>,
    /// How many of them are the background; the others were made for attacks.
    pub(crate) residents: usize,
    pub(crate) campuses: usize,
    by_activity: Weighted,
    by_zone: Vec<(Vec<u32>, Weighted)>,
    newcomers: Vec<u32>,
    students: Vec<Vec<u32>>,
    gateways: u32,
    homes: Vec<u32>,
    devices: u32,
    networks: u32,
}

impl Actors {
    /// `size` residents as of `start_ms`. Favourites are chosen later.
    pub(crate) fn new(seed: u64, size: usize, (start_ms, end_ms): (i64, i64)) -> Self {
        let mut random = Random::new(seed, "actors", 0);
        let gateways = (size / PEOPLE_PER_GATEWAY).max(8) as u32;
        let campuses = ((size as f64 * STUDENTS) as usize / PEOPLE_PER_CAMPUS).max(2);
        let offices = (size as f64 * OFFICE_WORKERS) as usize / PEOPLE_PER_OFFICE + 2;
        // Networks 1.. are the gateways of carriers, then those of campuses, then offices, then homes.
        let campus_base = gateways + 1;
        let office_base = campus_base + campuses as u32 * GATEWAYS_PER_CAMPUS;
        let mut made = Self {
            all: Vec::with_capacity(size),
            residents: size,
            campuses,
            by_activity: Weighted::new(std::iter::empty()),
            by_zone: Vec::new(),
            newcomers: Vec::new(),
            students: vec![Vec::new(); campuses],
            gateways,
            homes: Vec::new(),
            devices: 0,
            networks: office_base + offices as u32,
        };
        let mut ranks: Vec<usize> = (0..size).collect();
        random.shuffle(&mut ranks);
        while made.all.len() < size {
            made.networks += 1;
            let home = made.networks;
            made.homes.push(home);
            let members = random.count((1, 4)).min(size - made.all.len());
            for member in 0..members {
                let at = made.all.len();
                let mut actor = made.make(&mut random, start_ms);
                actor.home = home;
                actor.activity = 1.0 / (ranks[at] as f64 + ACTIVITY_OFFSET).powf(ACTIVITY_EXPONENT);
                if random.chance(DORMANT) {
                    actor.activity = 0.0;
                }
                actor.daytime = made.daytime(&mut random, at as u32, office_base, offices);
                if member > 0 && random.chance(SHARED_DEVICE) {
                    actor.devices = made.all[at - 1].devices;
                }
                if random.chance(NEWCOMERS) {
                    actor.registered_ms = random.between(start_ms - 30 * DAY_MS, end_ms - 1);
                    actor.credit_tier = random.count((1, 2)) as u8;
                    made.newcomers.push(at as u32);
                }
                made.all.push(actor);
            }
        }
        made.by_activity = Weighted::new(made.all.iter().map(|actor| actor.activity));
        made.by_zone = (0..ZONES.len()).map(|zone| made.sampler_of(zone)).collect();
        made
    }

    fn sampler_of(&self, zone: usize) -> (Vec<u32>, Weighted) {
        let at = |(at, actor): (usize, &Actor)| (actor.zone == zone).then_some(at as u32);
        let mut members: Vec<u32> = self.all.iter().enumerate().filter_map(at).collect();
        if members.is_empty() {
            members.push(0);
        }
        let weights = Weighted::new(members.iter().map(|at| self.all[*at as usize].activity));
        (members, weights)
    }

    fn daytime(&mut self, random: &mut Random, at: u32, office_base: u32, offices: usize) -> Daytime {
        match random.unit() {
            share if share < STUDENTS => {
                let campus = random.below(self.campuses);
                self.students[campus].push(at);
                Daytime::Campus(campus as u32)
            }
            share if share < STUDENTS + OFFICE_WORKERS => {
                Daytime::Office(office_base + random.below(offices) as u32)
            }
            _ => Daytime::Home,
        }
    }

    /// One more account, like anybody's.
    fn make(&mut self, random: &mut Random, start_ms: i64) -> Actor {
        let age_days = random.log_normal(AGE_DAYS_MEDIAN, AGE_SIGMA).min(AGE_DAYS_MAX);
        let credit_tier = match age_days as i64 {
            0..30 => random.count((1, 2)),
            30..200 => random.count((2, 3)),
            _ => random.count((2, 5)),
        };
        let mut aim = random.unit();
        let zone = ZONES.iter().position(|(_, share)| {
            aim -= share;
            aim < 0.0
        });
        let zone = zone.unwrap_or(0);
        let domestic = |random: &mut Random| random.log_uniform(1, TOPICS - TOPICS_ABROAD) - 1;
        let abroad = |random: &mut Random| TOPICS - 1 - random.below(TOPICS_ABROAD);
        let first = if zone == 0 { domestic(random) } else { abroad(random) };
        let device = self.new_device();
        let second = if random.chance(SECOND_DEVICE) { self.new_device() } else { device };
        Actor {
            registered_ms: start_ms - (age_days * DAY_MS as f64) as i64,
            credit_tier: credit_tier as u8,
            zone,
            topics: [first, domestic(random)],
            activity: 0.0,
            warmth: random.log_normal(0.7, 0.85),
            favourites: [0; FAVOURITES],
            devices: [device, second],
            home: 0,
            daytime: Daytime::Home,
            mobile: random.unit() * 0.8,
            region: random.below(self.gateways as usize) as u32,
        }
    }

    /// Adds an account that is not one of the residents; its place.
    pub(crate) fn add(
        &mut self,
        random: &mut Random,
        start_ms: i64,
        registered_ms: i64,
        credit_tier: u8,
    ) -> u32 {
        let mut actor = self.make(random, start_ms);
        (actor.registered_ms, actor.credit_tier, actor.zone) = (registered_ms, credit_tier, 0);
        actor.home = random.pick(&self.homes);
        self.all.push(actor);
        self.all.len() as u32 - 1
    }

    pub(crate) fn new_device(&mut self) -> u32 {
        self.devices += 1;
        self.devices
    }

    pub(crate) fn new_network(&mut self) -> u32 {
        self.networks += 1;
        self.networks
    }

    /// The address of some household: what a residential proxy shows.
    pub(crate) fn some_home(&self, random: &mut Random) -> u32 {
        random.pick(&self.homes)
    }

    /// The address of some carrier's gateway.
    pub(crate) fn some_gateway(&self, random: &mut Random) -> u32 {
        1 + random.below(self.gateways as usize) as u32
    }

    /// One who is about now, in a zone.
    pub(crate) fn in_zone(&self, random: &mut Random, zone: usize) -> u32 {
        let (members, weights) = &self.by_zone[zone];
        members[weights.draw(random)]
    }

    /// A resident by activity, registered before `time_ms`.
    pub(crate) fn active(&self, random: &mut Random, time_ms: i64) -> u32 {
        let draw = |_| self.by_activity.draw(random);
        (0..16).map(draw).find(|at| self.all[*at].registered_ms <= time_ms).unwrap_or(0) as u32
    }

    /// As [`Self::active`]; with `young` probability somebody new, for new people follow what is talked about.
    pub(crate) fn curious(&self, random: &mut Random, time_ms: i64, young: f64) -> u32 {
        if !self.newcomers.is_empty() && random.chance(young) {
            let at = random.pick(&self.newcomers);
            if self.all[at as usize].registered_ms <= time_ms {
                return at;
            }
        }
        self.active(random, time_ms)
    }

    /// `count` distinct residents that fulfil a condition; fewer when there are no more.
    pub(crate) fn residents(
        &self,
        random: &mut Random,
        count: usize,
        fits: impl Fn(&Actor) -> bool,
    ) -> Vec<u32> {
        let mut places: Vec<u32> =
            (0..self.residents as u32).filter(|at| fits(&self.all[*at as usize])).collect();
        random.shuffle(&mut places);
        places.truncate(count);
        places
    }

    /// The students of a campus.
    pub(crate) fn students(&self, campus: usize) -> &[u32] {
        &self.students[campus]
    }

    /// The address that a student of a campus shows there.
    pub(crate) fn campus_network(&self, random: &mut Random, campus: u32) -> u32 {
        self.gateways + 1 + campus * GATEWAYS_PER_CAMPUS + random.below(GATEWAYS_PER_CAMPUS as usize) as u32
    }

    /// Where an account acts from at a moment.
    pub(crate) fn place_of(&self, random: &mut Random, at: u32, time_ms: i64) -> Place {
        let actor = &self.all[at as usize];
        let device = if random.chance(0.85) { actor.devices[0] } else { actor.devices[1] };
        let network = if random.chance(actor.mobile) {
            let near = mix(u64::from(at) ^ (time_ms.div_euclid(DAY_MS) as u64) << 32) as u32 % GATEWAYS_NEAR;
            1 + (actor.region + near) % self.gateways
        } else {
            match actor.daytime {
                Daytime::Office(network) if is_office_hour(time_ms, actor.zone) => network,
                // Students live where they study.
                Daytime::Campus(campus) if random.chance(0.8) => self.campus_network(random, campus),
                Daytime::Office(_) | Daytime::Campus(_) | Daytime::Home => actor.home,
            }
        };
        Place { device, network }
    }
}
