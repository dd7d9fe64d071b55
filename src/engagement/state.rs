//! What an event changes: rows of its target and its actor, pairs, marks.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::actor::{Actor, CHURN_TICKS, COMPANY_TICKS, TICK_S, low16};
use super::calibration::Calibration;
use super::close::{expected_events, reasons_in};
use super::cohort::{COHORTS, Cohort, Norms, Share};
use super::config::{Config, Limits};
use super::detector::Counts;
use super::event::{AGE_UNKNOWN, CREDIT_UNKNOWN, Event, Kind, Reason, TargetKind, Window};
use super::followers::FollowerTable;
use super::marked::{Marked, MarkedLog};
use super::pairs::{CoTable, Networks, PairTable, Touch};
use super::places::{Places, co_pair};
use super::score::{Marks, Signal};
use super::season::Season;
use super::table::Table;
use super::target::{ACTS, BUSY, CLOSED, Count, DRAWN, Target};

/// Accounts below this age are young.
const YOUNG_DAYS: u16 = 30;
/// Accounts of these tiers have low credit.
const LOW_CREDIT_MAX: u8 = 1;
/// Events that are looked up together, so that their cache misses overlap.
const BATCH: usize = 64;
/// Accounts that two targets share by chance, and by a taste that they share: what every pair is allowed.
const CO_CHANCE: f64 = 0.3;
const CO_TASTE: f64 = 3.0;
/// Accounts of the site's day at least, for what chance is.
const SITE_ACTS_MIN: f64 = 1000.0;
/// Company is a pair of targets with so many accounts, and so many times what chance gives.
const COMPANY_MIN: u16 = 3;
const COMPANY_LIFT: f64 = 5.0;
/// From so many events in an hour on a target is looked at before the hour is over.
pub(super) const BUSY_EVENTS: u32 = 20;
/// Missing reads are worth a note where they are this rare among similar targets.
const UNEXPOSED_NOTED: f64 = 0.4;
/// Bits of a reference that hold the slot plus one; the others hold the generation.
const REF_SLOT_BITS: u32 = 27;

/// Everything that outlives a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) targets: Table<Target>,
    pub(super) actors: Table<Actor>,
    touches: PairTable,
    shared: PairTable,
    co: CoTable,
    networks: Networks,
    pub(super) norms: Vec<Norms>,
    pub(super) calibrations: Vec<Calibration>,
    pub(super) site: Calibration,
    pub(super) season: Season,
    pub(super) marked: MarkedLog,
    pub(super) followers: FollowerTable,
    pub(super) registered: Vec<Window>,
    /// Hours since 1970; 0 before the first event.
    pub(super) open_hour: u32,
    /// Slots with events in the open hour, in the order of their first one.
    pub(super) touched: Vec<u32>,
    /// Those with many, which are looked at before the hour is over.
    pub(super) busy: Vec<u32>,
    /// Of `touched`, those that are expected to get events enough for the shock of an hour. Follows from the rest.
    #[serde(skip)]
    pub(super) paced: Vec<u32>,
    /// What the hour of the week does, per kind of target. Follows from the rest.
    #[serde(skip)]
    pub(super) seasons: [f64; TargetKind::ALL.len()],
    /// Ten-minute mark of the last look.
    pub(super) looked: u32,
    /// Acts of the site, half-life a day.
    pub(super) site_acts: f64,
    pub(super) open_acts: u32,
    /// What follower counts said in the open hour.
    pub(super) follower_signals: Vec<(u64, Signal)>,
    /// Per kind of target: whether missing reads are rare.
    pub(super) notes_unexposed: [bool; TargetKind::ALL.len()],
    pub(super) counts: Counts,
}

impl State {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            targets: Table::new(limits.targets_max),
            actors: Table::new(limits.actors_max),
            touches: PairTable::new(limits.pairs_max / 2),
            shared: PairTable::new(limits.pairs_max / 2),
            co: CoTable::new(limits.co_targets_max),
            networks: Networks::new(),
            norms: vec![Norms::new(); COHORTS],
            calibrations: vec![Calibration::new(); COHORTS],
            site: Calibration::new(),
            season: Season::default(),
            marked: MarkedLog::default(),
            followers: FollowerTable::new(limits.follower_counts_max),
            registered: Vec::new(),
            open_hour: 0,
            touched: Vec::new(),
            busy: Vec::new(),
            paced: Vec::new(),
            seasons: [1.0; TargetKind::ALL.len()],
            looked: 0,
            site_acts: 0.0,
            open_acts: 0,
            follower_signals: Vec::new(),
            notes_unexposed: [false; TargetKind::ALL.len()],
            counts: Counts::default(),
        }
    }

    /// Files rows again after a snapshot. False where it cannot be a state of this configuration.
    pub(super) fn restore(&mut self, config: &Config) -> bool {
        let limits = &config.limits;
        let rows = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        let slots = self.touched.iter().chain(&self.busy).all(|slot| *slot < rows);
        let tables = self.touches.is_valid(limits.pairs_max / 2)
            && self.shared.is_valid(limits.pairs_max / 2)
            && self.co.is_valid(limits.co_targets_max)
            && self.networks.is_valid()
            && self.followers.is_valid(limits.follower_counts_max);
        let lists = self.norms.len() == COHORTS
            && self.calibrations.len() == COHORTS
            && self.calibrations.iter().chain([&self.site]).all(Calibration::is_sound)
            && self.marked.len() <= limits.marked_max as usize
            && self.registered.len() <= limits.windows_max as usize;
        let is_valid = slots
            && tables
            && lists
            && self.targets.restore(limits.targets_max)
            && self.actors.restore(limits.actors_max);
        if is_valid {
            self.seasons = self.season.factors(self.open_hour);
            let is_paced =
                |slot: &&u32| expected_events(self.targets.row(**slot), &self.seasons, 1.0).is_some();
            self.paced = self.touched.iter().filter(is_paced).copied().collect();
        }
        is_valid
    }

    /// Begins an hour.
    pub(super) fn open(&mut self, hour: u32) {
        self.open_hour = hour;
        self.seasons = self.season.factors(hour);
    }

    /// The reference of a slot as actors' rings hold it.
    fn reference(&self, slot: u32) -> u32 {
        (slot + 1) | u32::from(self.targets.row(slot).generation) << REF_SLOT_BITS
    }

    /// The target of a reference, unless it has made room since.
    pub(super) fn referred(&self, reference: u32) -> Option<&Target> {
        let slot = (reference & ((1 << REF_SLOT_BITS) - 1)).checked_sub(1)?;
        if slot as usize >= self.targets.len() {
            return None;
        }
        let target = self.targets.row(slot);
        (u32::from(target.generation) == reference >> REF_SLOT_BITS).then_some(target)
    }

    /// Accounts that two targets share within about a day by chance.
    pub(super) fn co_expected(&self, one: &Target, other: &Target) -> f64 {
        let of = |target: &Target| f64::from(target.day.actors) + f64::from(target.hour.get(Count::Actors));
        let site = (self.site_acts + f64::from(self.open_acts)).max(SITE_ACTS_MIN);
        CO_CHANCE + CO_TASTE * of(one) * of(other) / site
    }

    /// Events of one minute, in order.
    pub(super) fn take(&mut self, events: &[Event], config: &Config) {
        for batch in events.chunks(BATCH) {
            let mut places = [Places::default(); BATCH];
            self.fetch(batch, &mut places, config.seed);
            for (event, places) in batch.iter().zip(&places) {
                self.take_one(event, places, config);
            }
        }
    }

    /// Works out where the events of a batch lead, and reads every line that they will touch: those of the index and of pairs, then
    /// rows, then what hangs on rows. Each step is a loop of its own, so that as many misses as possible are under way at once.
    fn fetch(&self, batch: &[Event], places: &mut [Places; BATCH], seed: u64) {
        for (event, places) in batch.iter().zip(&mut *places) {
            *places = Places::of(event, seed);
        }
        let mut warmed = 0_u64;
        let places = &mut places[..batch.len()];
        for own in &*places {
            warmed ^= u64::from(self.actors.first_entry(own.actor) ^ self.targets.first_entry(own.target));
            warmed ^= u64::from(self.touches.peek(own.pair));
            warmed ^= u64::from(self.shared.peek(own.device)) ^ u64::from(self.shared.peek(own.network));
        }
        for (event, own) in batch.iter().zip(&mut *places) {
            own.actor_slot = self.actors.likely(own.actor);
            own.target_slot = self.targets.likely(own.target);
            warmed ^= self.actors.peek(own.actor_slot).map_or(0, |actor| u64::from(actor.last_hour));
            let Some(target) = self.targets.peek(own.target_slot) else { continue };
            warmed ^= u64::from(target.hour.events);
            if event.kind != Kind::Read || target.hour.hour != self.open_hour {
                warmed ^= target.key;
            }
        }
        let now = low16(self.tick());
        let acts = batch.iter().zip(&*places).filter(|(event, _)| is_act(event.kind));
        for (_, own) in acts {
            let Some(actor) = self.actors.peek(own.actor_slot) else { continue };
            if self.targets.peek(own.target_slot).is_some() {
                let reference = self.reference(own.target_slot);
                let pairs = actor
                    .recent(now, COMPANY_TICKS)
                    .map(|(other, _)| self.co.peek(co_pair(reference, other)));
                warmed ^= pairs.fold(0, |all, line| all ^ line);
            }
        }
        black_box(warmed);
    }

    /// The slot of a target, with its row in the open hour.
    /// `guess` is where it may stand.
    pub(super) fn open_row(
        &mut self,
        key: u64,
        hash: u64,
        guess: u32,
        kind: TargetKind,
        config: &Config,
    ) -> u32 {
        let hour = self.open_hour;
        let mut before = None;
        let new = |old: Option<&Target>| {
            before = old.map(|old| old.hour);
            let generation = old.map_or(0, |old| old.generation.wrapping_add(1) & 31);
            Target::new(key, config.seed, kind, hour, generation)
        };
        let (slot, _) = self.targets.find_or_insert(hash, guess, hour, new);
        let row = self.targets.row_mut(slot);
        if row.hour.hour == hour && row.hour.flags & CLOSED == 0 {
            return slot;
        }
        row.begin(hour);
        if reasons_in(&self.registered, key, hour).any(|reason| reason == Reason::Lottery) {
            row.hour.flags |= DRAWN;
        }
        // A slot that made room in the hour that it was listed in is listed once, so that lists are no longer than the table.
        if let Some(before) = before.filter(|before| before.hour == hour && before.flags & CLOSED == 0) {
            row.hour.flags |= before.flags & BUSY;
            return slot;
        }
        self.touched.push(slot);
        if expected_events(row, &self.seasons, 1.0).is_some() {
            self.paced.push(slot);
        }
        slot
    }

    fn take_one(&mut self, event: &Event, places: &Places, config: &Config) {
        let hour = self.open_hour;
        let actor_hash = places.actor;
        let kind = event.tags.target_kind();
        let slot = self.open_row(event.target, places.target, places.target_slot, kind, config);
        let new = |_: Option<&Actor>| Actor::new(actor_hash, hour);
        let (actor_slot, _) = self.actors.find_or_insert(actor_hash, places.actor_slot, hour, new);
        self.arrive(event, actor_slot);
        if !self.followers.is_empty() && matches!(event.kind, Kind::Follow | Kind::Unfollow) {
            self.followers.saw(event.target, if event.kind == Kind::Follow { 1 } else { -1 });
        }
        let row = self.targets.row_mut(slot);
        row.hour.events = row.hour.events.saturating_add(1);
        if row.hour.events == BUSY_EVENTS && row.hour.flags & BUSY == 0 {
            row.hour.flags |= BUSY;
            self.busy.push(slot);
        }
        if !row.hour.takes(actor_hash) {
            return;
        }
        row.add_kind(event.kind);
        let marks = match event.kind {
            Kind::Read => self.read(event, slot, places),
            Kind::Like | Kind::Repost | Kind::Comment | Kind::Follow => {
                self.act(event, slot, actor_slot, places)
            }
            Kind::Unfollow => self.unfollow(event, slot, actor_slot, places.pair),
        };
        if marks & !Marks::UNEXPOSED != 0
            || marks != 0 && self.notes_unexposed[event.tags.target_kind() as usize]
        {
            let action = Marked { actor: event.actor, target: event.target, time_s: event.time_s, marks };
            let is_dropped = self.marked.push(action, config.limits.marked_max);
            self.counts.marked_dropped = self.counts.marked_dropped.saturating_add(u64::from(is_dropped));
        }
    }

    /// Notes the actor's presence, and that its network got one more account.
    fn arrive(&mut self, event: &Event, actor_slot: u32) {
        let actor = self.actors.row_mut(actor_slot);
        let network = low16(event.network ^ event.network >> 16);
        if event.network != 0 && actor.network != network {
            actor.network = network;
            self.networks.arrive(event.network, self.open_hour);
        }
        actor.last_hour = low16(self.open_hour);
    }

    fn read(&mut self, event: &Event, slot: u32, places: &Places) -> u8 {
        let touch = self.touches.touch(places.pair, self.open_hour, true);
        if touch.read_now {
            return 0;
        }
        let (device, network) = self.shares(event, places);
        let row = self.targets.row_mut(slot);
        row.add(Count::Readers);
        let mut marks = 0;
        if event.age_days < YOUNG_DAYS && event.age_days != AGE_UNKNOWN {
            row.add(Count::YoungReaders);
            marks |= Marks::YOUNG;
        }
        if device {
            row.add(Count::ReaderDevice);
            marks |= Marks::DEVICE;
        }
        if network {
            row.add(Count::ReaderNetwork);
        }
        marks
    }

    /// Whether another account used the device, and the network, at this target within a day. Networks of strangers do not count.
    fn shares(&mut self, event: &Event, places: &Places) -> (bool, bool) {
        let actor = u8::try_from(places.actor >> 7 & 15).unwrap_or(0);
        let hour = self.open_hour;
        let device = event.device != 0 && self.shared.share(places.device, hour, actor);
        let network = event.network != 0 && self.shared.share(places.network, hour, actor);
        (device, network && !self.networks.is_shared(event.network, hour))
    }

    fn act(&mut self, event: &Event, slot: u32, actor_slot: u32, places: &Places) -> u8 {
        self.open_acts = self.open_acts.saturating_add(1);
        let touch = self.touches.touch(places.pair, self.open_hour, false);
        let in_company = !touch.has_acted && self.company(slot, actor_slot);
        let reference = self.reference(slot);
        let tick = low16(event.time_s / TICK_S);
        // Who goes from one registered draw to the next keeps no company that anybody would ask about.
        if self.targets.row(slot).hour.flags & DRAWN == 0 {
            self.actors.row_mut(actor_slot).push(reference, event.kind, tick);
        }
        let row = self.targets.row_mut(slot);
        if row.last_act_s != 0 && event.time_s >= row.last_act_s {
            #[allow(
                clippy::cast_precision_loss,
                reason = "a gap in seconds, of which the logarithm is taken"
            )]
            row.hour.add_gap((event.time_s - row.last_act_s) as f32);
        }
        row.last_act_s = event.time_s;
        if touch.acted_now {
            return Marks::REPEAT;
        }
        self.first_act(event, slot, places, touch, in_company)
    }

    /// Counts an account that acts for the first time in this hour.
    fn first_act(&mut self, event: &Event, slot: u32, places: &Places, touch: Touch, in_company: bool) -> u8 {
        let (device, network) = self.shares(event, places);
        let is_young = event.age_days < YOUNG_DAYS && event.age_days != AGE_UNKNOWN;
        let credit = event.tags.credit();
        let marks = [
            (is_young, Count::Young, Marks::YOUNG),
            (credit <= LOW_CREDIT_MAX && credit != CREDIT_UNKNOWN, Count::LowCredit, Marks::LOW_CREDIT),
            (device, Count::Device, Marks::DEVICE),
            (network, Count::Network, 0),
            (!touch.has_read, Count::Unexposed, Marks::UNEXPOSED),
            (in_company, Count::Company, Marks::COMPANY),
        ];
        let row = self.targets.row_mut(slot);
        row.add(Count::Actors);
        row.regulars = row.regulars.saturating_add(u16::from(touch.has_acted));
        let mut found = 0;
        for (is_so, count, mark) in marks {
            if is_so {
                row.add(count);
                found |= mark;
            }
        }
        found
    }

    /// Counts the actor for every pair of this target and one that it acted on within a day; whether it meets others again.
    fn company(&mut self, slot: u32, actor_slot: u32) -> bool {
        let own = self.reference(slot);
        let now = low16(self.tick());
        let mut others = [0; super::actor::RING];
        let mut len = 0;
        for (other, _) in self.actors.row(actor_slot).recent(now, COMPANY_TICKS) {
            others[len] = other;
            len += 1;
        }
        let mut in_company = false;
        for other in others.into_iter().take(len).filter(|other| *other != own) {
            let count = self.co.add(co_pair(own, other), self.open_hour);
            if count < COMPANY_MIN {
                continue;
            }
            let hour = &mut self.targets.row_mut(slot).hour;
            if count > hour.co_count {
                (hour.co_count, hour.co_ref) = (count, other);
            }
            if let Some(target) = self.referred(other) {
                let chance = self.co_expected(self.targets.row(slot), target);
                in_company |= f64::from(count) >= COMPANY_LIFT * chance;
            }
        }
        in_company
    }

    fn unfollow(&mut self, event: &Event, slot: u32, actor_slot: u32, touched: u64) -> u8 {
        let mut found = 0;
        if !self.touches.has_read(touched, self.open_hour) {
            self.targets.row_mut(slot).add(Count::UnreadUnfollow);
            found = Marks::UNEXPOSED;
        }
        let own = self.reference(slot);
        let now = low16(event.time_s / TICK_S);
        let mut recent = self.actors.row(actor_slot).recent(now, CHURN_TICKS);
        let is_churn = recent.any(|(other, kind)| other == own && kind == Kind::Follow);
        if !is_churn {
            return found;
        }
        self.targets.row_mut(slot).add(Count::Churn);
        found | Marks::CHURN
    }

    /// Ten-minute tick of the open hour's end.
    fn tick(&self) -> u32 {
        self.open_hour * (3600 / TICK_S) + 3600 / TICK_S - 1
    }

    /// Brings counters of tables into the counts, and decides what is worth a note in the next hour.
    pub(super) fn sum_up(&mut self) {
        self.counts.targets_evicted = self.targets.evicted;
        self.counts.actors_evicted = self.actors.evicted;
        self.counts.pairs_evicted = self.touches.evicted.saturating_add(self.shared.evicted);
        self.site_acts = self.site_acts * (-1.0_f64 / 24.0).exp2() + f64::from(self.open_acts);
        self.open_acts = 0;
        for kind in TargetKind::ALL {
            let norms = &self.norms[Cohort { kind, size: 2, is_new: false }.place()];
            self.notes_unexposed[kind as usize] =
                norms.shares[Share::Unexposed as usize].share() < UNEXPOSED_NOTED;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.targets.memory_bytes()
            + self.actors.memory_bytes()
            + self.touches.memory_bytes()
            + self.shared.memory_bytes()
            + self.co.memory_bytes()
            + self.marked.memory_bytes()
            + self.followers.memory_bytes()
            + (self.touched.capacity() + self.busy.capacity() + self.paced.capacity()) * size_of::<u32>()
            + self.norms.len() * size_of::<Norms>()
    }

    /// What [`Self::memory_bytes`] is at most.
    pub(super) fn memory_bytes_max(limits: &Limits) -> usize {
        // Vectors are at most half empty.
        let lists = 3 * 2 * limits.targets_max as usize * size_of::<u32>();
        Table::<Target>::memory_bytes_max(limits.targets_max)
            + Table::<Actor>::memory_bytes_max(limits.actors_max)
            + 2 * PairTable::memory_bytes_max(limits.pairs_max / 2)
            + CoTable::memory_bytes_max(limits.co_targets_max)
            + MarkedLog::memory_bytes_max(limits.marked_max)
            + FollowerTable::memory_bytes_max(limits.follower_counts_max)
            + lists
            + COHORTS * size_of::<Norms>()
    }
}

fn is_act(kind: Kind) -> bool {
    ACTS.contains(&(kind as usize))
}
