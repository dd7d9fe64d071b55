//! Accounts: who they are, how often they post, which devices and networks they use.
//!
//! A network is what a platform keeps of an address: the hash of its /24. Neighbours, a campus and the gateways of
//! mobile carriers therefore share one without knowing each other.

use crate::grammar::Texts;
use crate::random::{Random, Weighted, mix};

pub(crate) const DAY_MS: i64 = 86_400_000;
/// Gateways of mobile carriers that the whole population shares.
const CARRIERS: usize = 12;
/// People per campus.
const CAMPUS_PEOPLE: usize = 900;
/// People per workplace network.
const WORKPLACE_PEOPLE: usize = 45;
/// Households behind one /24.
const HOUSEHOLDS_PER_NETWORK: usize = 3;
/// Share of accounts that are verified organisations, and of those that are groups.
const ORGANISATIONS: f64 = 0.02;
const GROUPS: f64 = 0.005;
/// Share of accounts registered while the run goes on.
const NEWCOMERS: f64 = 0.04;
/// Share of members of a household who use the device of the one before: families, second accounts.
const SHARED_DEVICE: f64 = 0.06;
/// Ages of accounts: log-normal, in days.
const AGE_DAYS_MEDIAN: f64 = 480.0;
const AGE_SIGMA: f64 = 1.25;
const AGE_DAYS_MAX: f64 = 4_500.0;
/// Themes of everyday texts that an account writes about.
const THEMES_PER_PERSON: usize = 3;

/// What an account is, in the words of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountKind {
    Personal,
    Organisation,
    Group,
}

impl AccountKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Organisation => "organisation",
            Self::Group => "group",
        }
    }
}

/// One account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: AccountKind,
    pub(crate) verified: bool,
    pub(crate) registered_ms: i64,
    /// 1 lowest, 5 highest.
    pub(crate) credit_tier: u8,
    pub(crate) devices: Vec<u32>,
    pub(crate) home: u32,
    /// Network of the workplace or campus.
    pub(crate) work: Option<u32>,
    pub(crate) carrier: u32,
    /// Places in the section `[theme]`.
    pub(crate) themes: [usize; THEMES_PER_PERSON],
}

/// All accounts of a run.
#[derive(Debug)]
pub(crate) struct Population {
    seed: u64,
    start_ms: i64,
    pub(crate) people: Vec<Person>,
    /// How many of them are the background; the others were made for campaigns and look-alikes.
    pub(crate) residents: usize,
    activity: Weighted,
    campuses: Vec<u32>,
    homes: Vec<u32>,
    devices: u32,
    networks: u32,
}

impl Population {
    /// `size` accounts with Zipf activity, as of `start_ms`.
    pub(crate) fn new(texts: &Texts, seed: u64, size: usize, (start_ms, end_ms): (i64, i64)) -> Self {
        let mut random = Random::new(seed, "people", 0);
        // Exponent and offset: a few very busy accounts, a long tail with one post or none.
        let activity = Weighted::new((0..size).map(|rank| 1.0 / (rank as f64 + 8.0).powf(0.9)));
        let (people, residents) = (Vec::with_capacity(size), size);
        let mut all = Self {
            seed,
            start_ms,
            people,
            residents,
            activity,
            campuses: Vec::new(),
            homes: Vec::new(),
            devices: 0,
            networks: CARRIERS as u32,
        };
        all.campuses = (0..(size / 4 / CAMPUS_PEOPLE).max(2)).map(|_| all.new_network()).collect();
        let workplaces: Vec<u32> = (0..size / 2 / WORKPLACE_PEOPLE + 2).map(|_| all.new_network()).collect();
        let mut household = 0;
        while all.people.len() < size {
            if household % HOUSEHOLDS_PER_NETWORK == 0 {
                let network = all.new_network();
                all.homes.push(network);
            }
            household += 1;
            let members = random.count((1, 4)).min(size - all.people.len());
            for member in 0..members {
                let mut person = all.make(texts, &mut random);
                person.work = match random.below(100) {
                    0..25 => Some(random.pick(&all.campuses)),
                    25..70 => Some(random.pick(&workplaces)),
                    _ => None,
                };
                if member > 0 && random.chance(SHARED_DEVICE) {
                    person.devices.clone_from(&all.people[all.people.len() - 1].devices);
                }
                if random.chance(NEWCOMERS) {
                    person.registered_ms = random.between(start_ms, end_ms - 1);
                    person.credit_tier = 1;
                }
                all.people.push(person);
            }
        }
        all
    }

    /// One more account with an own device, an age like everybody's and the newest home network.
    fn make(&mut self, texts: &Texts, random: &mut Random) -> Person {
        let number = mix(self.seed ^ mix(self.people.len() as u64)) as u32;
        // A bijection of the place keeps ids apart.
        let spread = (self.people.len() as u32 ^ mix(self.seed) as u32).wrapping_mul(0x9E37_79B1);
        let id = format!("u{spread:08x}{:04x}", number & 0xFFFF);
        let age_days = random.log_normal(AGE_DAYS_MEDIAN, AGE_SIGMA).min(AGE_DAYS_MAX);
        let kind = match random.unit() {
            share if share < ORGANISATIONS => AccountKind::Organisation,
            share if share < ORGANISATIONS + GROUPS => AccountKind::Group,
            _ => AccountKind::Personal,
        };
        let verified = kind == AccountKind::Organisation || random.chance(0.01);
        let credit_tier = match (verified, age_days as i64) {
            (true, _) => 5,
            (false, 0..30) => 1 + u8::from(random.chance(0.3)),
            (false, 30..200) => random.count((2, 3)) as u8,
            (false, _) => random.count((2, 4)) as u8,
        };
        let device = self.new_device();
        let mut devices = vec![device];
        if random.chance(0.2) {
            devices.push(self.new_device());
        }
        Person {
            id,
            name: texts.line(if kind == AccountKind::Organisation { "org_name" } else { "nickname" }, random),
            kind,
            verified,
            registered_ms: self.start_ms - (age_days * DAY_MS as f64) as i64,
            credit_tier,
            devices,
            home: self.homes.last().copied().unwrap_or(0),
            work: None,
            carrier: random.below(CARRIERS) as u32,
            themes: std::array::from_fn(|_| random.below(texts.lines("theme").len())),
        }
    }

    /// Adds an account that is not one of the residents; its place.
    pub(crate) fn add(
        &mut self,
        texts: &Texts,
        random: &mut Random,
        change: impl FnOnce(&mut Person),
    ) -> usize {
        let mut person = self.make(texts, random);
        person.kind = AccountKind::Personal;
        person.verified = false;
        person.credit_tier = person.credit_tier.min(4);
        person.name = texts.line("nickname", random);
        person.home = random.pick(&self.homes);
        change(&mut person);
        self.people.push(person);
        self.people.len() - 1
    }

    /// A resident by activity, registered before `time_ms`.
    pub(crate) fn active(&self, random: &mut Random, time_ms: i64) -> usize {
        // A newcomer may be drawn before registering; the busiest account is old enough in practice.
        (0..16)
            .map(|_| self.activity.draw(random))
            .find(|at| self.people[*at].registered_ms <= time_ms)
            .or_else(|| self.people.iter().position(|person| person.registered_ms <= time_ms))
            .unwrap_or(0)
    }

    /// `count` distinct residents that fulfil a condition; fewer when there are no more.
    pub(crate) fn residents(
        &self,
        random: &mut Random,
        count: usize,
        fits: impl Fn(&Person) -> bool,
    ) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.residents).filter(|at| fits(&self.people[*at])).collect();
        random.shuffle(&mut places);
        places.truncate(count);
        // Groups keep the result.
        places.shrink_to_fit();
        places
    }

    /// One of the campuses.
    pub(crate) fn campus(&self, random: &mut Random) -> u32 {
        random.pick(&self.campuses)
    }

    /// The network of some household: what a residential proxy shows.
    pub(crate) fn some_home(&self, random: &mut Random) -> u32 {
        random.pick(&self.homes)
    }

    pub(crate) fn new_device(&mut self) -> u32 {
        self.devices += 1;
        self.devices
    }

    pub(crate) fn new_network(&mut self) -> u32 {
        self.networks += 1;
        self.networks
    }

    /// Where an account posts from: device and network.
    pub(crate) fn place_of(&self, at: usize, random: &mut Random) -> (u32, u32) {
        let person = &self.people[at];
        let network = match random.below(100) {
            0..35 => person.carrier,
            35..60 => person.work.unwrap_or(person.home),
            _ => person.home,
        };
        (random.pick(&person.devices), network)
    }

    /// The hash under which a device or a network is published.
    pub(crate) fn hash(&self, what: char, number: u32) -> String {
        format!("{what}{:010x}", mix(self.seed ^ (what as u64) << 40 ^ u64::from(number)) >> 24)
    }
}
