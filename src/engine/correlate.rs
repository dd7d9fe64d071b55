//! The stateful stages: near-duplicates in the window, clusters over accounts.

use core::net::IpAddr;
use std::io::{self, Write};

use super::bundle::Bundle;
use super::clock::EventClock;
use super::inspect::Scratch;
use crate::coordination::{ContactKey, Coordinator, Outcome, Sighting, key_of};
use crate::decide::{Author, Standing, amend, amend_copied, follow_up};
use crate::model::{AccountKind, Decision, Item, Surface, Verdict};
use crate::neardup::{
    ARCHIVE_CHARS_MIN, Addition, Archive, Author as PassageAuthor, Boilerplate, BoilerplateLimits,
    Fingerprint, GramFrequency, Neighbour, Window, WindowLimits,
};
use crate::originals::{Copied, Document, OriginalLimits, Originals, Submission};
use crate::text::{Slot, SlotKind};

/// What the stateless stages leave of one item for the stateful ones; a buffer that is reused from item to item. Some 500
/// bytes and eight per character.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    item: String,
    account: String,
    account_key: Option<u64>,
    time_ms: Option<i64>,
    age_days: Option<u32>,
    is_organisation: bool,
    device: Option<u64>,
    network: Option<u64>,
    parent: Option<u64>,
    is_repost: bool,
    contacts: Vec<ContactKey>,
    print: Fingerprint,
    normalised: String,
    article: Option<Box<Article>>,
}

/// What a long text leaves besides.
#[derive(Clone, Debug)]
struct Article {
    document: Document,
    subject: Option<u64>,
    /// Names of the item's fields, in their order.
    fields: Vec<String>,
}

impl Trace {
    /// The trace of the item that was inspected last with this scratch. O(text).
    pub fn of(bundle: &Bundle, item: &Item<'_>, id: &str, scratch: &mut Scratch) -> Self {
        let mut trace = Self::default();
        trace.read(bundle, item, id, scratch);
        trace
    }

    /// Becomes the trace of the item that was inspected last with this scratch. O(text); no allocation once the buffers
    /// have grown, unless the item has contacts or is an article.
    pub fn read(&mut self, bundle: &Bundle, item: &Item<'_>, id: &str, scratch: &mut Scratch) {
        if self.print.grams.capacity() > KEPT_GRAMS_MAX {
            *self = Self::default();
        }
        let key = |id: &str| (!id.is_empty()).then(|| key_of(id));
        id.clone_into(&mut self.item);
        item.account.id.as_ref().clone_into(&mut self.account);
        self.account_key = key(&item.account.id);
        self.time_ms = item.time;
        self.age_days = item.account.age_days;
        self.is_organisation = item.account.is_verified && item.account.kind == AccountKind::Organisation;
        self.device = key(&item.device);
        self.parent = key(&item.parent);
        self.network = (!item.ip.is_empty()).then(|| network_key(&item.ip));
        let (fingerprinter, folded, matches) = scratch.fingerprinting();
        fingerprinter.read_into(folded, &matches.slots, &mut self.print);
        fingerprinter.normalised().clone_into(&mut self.normalised);
        let quote = fingerprinter.quote_start();
        // Whoever leaves a contact of their own speaks for themselves, whatever they say to repeat.
        let speaks = matches.slots.iter().any(|slot| is_chat(slot) && slot.range.start < quote);
        self.is_repost = item.repost.is_some() || (self.print.is_repost && !speaks);
        self.read_contacts(&matches.slots);
        self.read_article(bundle, item, scratch);
    }

    fn read_article(&mut self, bundle: &Bundle, item: &Item<'_>, scratch: &mut Scratch) {
        self.article = None;
        let is_article = match item.surface() {
            Surface::Article => true,
            Surface::Post => self.print.chars >= bundle.policy.originals().post_chars_min,
            Surface::Comment | Surface::Profile | Surface::Chat => false,
        };
        if !is_article {
            return;
        }
        let (fingerprinter, folded, _) = scratch.fingerprinting();
        let texts = item.texts().map(|(_, text)| text);
        let Some(mut document) = Document::read(fingerprinter, folded, texts) else { return };
        if item.repost.is_some() {
            // What the text itself says of its source, its document has read.
            document.attribute();
        }
        let subject = (!item.account.subject.is_empty()).then(|| key_of(&item.account.subject));
        let fields = item.texts().map(|(name, _)| name.to_owned()).collect();
        self.article = Some(Box::new(Article { document, subject, fields }));
    }

    fn read_contacts(&mut self, slots: &[Slot]) {
        self.contacts.clear();
        self.contacts.extend(slots.iter().map(contact_key));
        self.contacts.sort_unstable_by_key(|contact| (!contact.is_chat, *contact));
        self.contacts.dedup();
        self.contacts.truncate(CONTACTS_MAX);
    }

    /// The item's id.
    pub fn item(&self) -> &str {
        &self.item
    }
}

/// Pairs of characters for which a trace keeps its buffers: those of a huge text are given back.
const KEPT_GRAMS_MAX: usize = 1 << 10;

fn contact_key(slot: &Slot) -> ContactKey {
    let key = key_of(&format!("{} {}", slot.kind.as_str(), slot.canonical));
    let line = match slot.kind {
        SlotKind::Wechat | SlotKind::Qq | SlotKind::Telegram | SlotKind::Phone => Some(key),
        SlotKind::Url => site_of(&slot.canonical).map(|site| key_of(&format!("site {site}"))),
        SlotKind::Email | SlotKind::BankCard | SlotKind::InviteCode => None,
    };
    ContactKey { key, is_chat: is_chat(slot), line, is_site: slot.kind == SlotKind::Url }
}

/// The part of an address that somebody has registered: its last two labels, three below names like `com.cn`. None for a
/// share code, which leads to no site.
fn site_of(address: &str) -> Option<&str> {
    let host = address.split(['/', '?', '#']).next().unwrap_or(address);
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second, third) = (dots.next()?, dots.next(), dots.next());
    let Some(second) = second else { return Some(host) };
    if host.parse::<IpAddr>().is_ok() {
        return Some(host);
    }
    let is_public = host.len() - last == 3 && PUBLIC_LABELS.contains(&&host[second + 1..last]);
    Some(if is_public { third.map_or(host, |third| &host[third + 1..]) } else { &host[second + 1..] })
}

/// Labels under which the registries of countries register, before the two letters of the country.
const PUBLIC_LABELS: [&str; 8] = ["com", "net", "org", "gov", "edu", "ac", "co", "mil"];

fn is_chat(slot: &Slot) -> bool {
    matches!(slot.kind, SlotKind::Wechat | SlotKind::Qq | SlotKind::Telegram)
}

/// Key of a network: the /24 or /48 of an address, or what the platform gives in its place.
fn network_key(ip: &str) -> u64 {
    match ip.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            key_of(&format!("{a}.{b}.{c}.0/24"))
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            key_of(&format!("{a:x}:{b:x}:{c:x}::/48"))
        }
        Err(_) => key_of(ip),
    }
}

/// The state of the stateful stages. One owner; items come in the order of their arrival.
#[derive(Debug)]
pub struct Shard {
    window: Window,
    frequency: GramFrequency,
    coordinator: Coordinator,
    boilerplate: Boilerplate,
    archive: Archive,
    originals: Originals,
    clock: EventClock,
    neighbours: Vec<Neighbour>,
}

/// Why a saved shard cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the saved window cannot be used: {0}")]
pub struct ShardError(String);

impl ShardError {
    /// The bytes end too early.
    pub fn cut_off() -> Self {
        cut_off()
    }
}

/// Takes a part with its length off the front.
fn part<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8], ShardError> {
    let (len, rest) = bytes.split_first_chunk().ok_or_else(cut_off)?;
    let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| cut_off())?;
    let (part, rest) = rest.split_at_checked(len).ok_or_else(cut_off)?;
    *bytes = rest;
    Ok(part)
}

fn cut_off() -> ShardError {
    ShardError("it is cut off".to_owned())
}

/// What the earlier items say of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Correlated {
    /// The clusters that it belongs to.
    pub outcomes: Vec<Outcome>,
    /// The earlier article that it is copied from.
    pub copied: Option<Copied>,
    /// Whether it came too late to be kept for later ones.
    pub is_late: bool,
}

impl Correlated {
    /// Whether nothing comes of it for a decision.
    pub fn says_nothing(&self) -> bool {
        self.outcomes.is_empty() && self.copied.is_none()
    }
}

const MINUTE_MS: i64 = 60_000;
/// Days of registration that are one cohort.
const DAYS_PER_COHORT: i64 = 30;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Version of what is saved behind the window; every change of its types changes it.
const LAYOUT: u32 = 8;
/// Items that are best announced at once: what they need stays in the nearest caches until their turn.
pub const ITEMS_AHEAD: usize = 8;
/// Contacts of one item that are followed, chat ids first.
const CONTACTS_MAX: usize = 16;
/// Size of the table of frequencies, as a power of two: 16 MB, for some millions of posts a day.
const FREQUENCY_BITS: u32 = 20;

impl Shard {
    /// An empty shard with the window of the policy.
    pub fn new(bundle: &Bundle) -> Self {
        let (window, originals) = (bundle.policy.near_duplicates(), bundle.policy.originals());
        Self {
            window: Window::new(WindowLimits {
                posts: window.posts,
                span_ms: i64::from(window.hours) * 60 * MINUTE_MS,
                late_ms: i64::from(window.late_minutes) * MINUTE_MS,
            }),
            frequency: GramFrequency::new(FREQUENCY_BITS),
            coordinator: Coordinator::new(window.posts),
            boilerplate: Boilerplate::new(BoilerplateLimits::USUAL),
            archive: Archive::new(window.archive_posts),
            originals: Originals::new(OriginalLimits {
                articles: originals.articles,
                span_ms: i64::from(originals.days) * DAY_MS,
            }),
            clock: EventClock::default(),
            neighbours: Vec::new(),
        }
    }

    /// Writes the whole state, for [`Self::load`]; the caller guards it against damage. Some 300 bytes and three per
    /// character for each post in the window.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        for part in [Self::save_window, Self::save_frequency] {
            // One part after the other, so that no two are in memory besides the shard.
            let bytes = part(self);
            out.write_all(&(bytes.len() as u64).to_le_bytes())?;
            out.write_all(&bytes)?;
        }
        out.write_all(&LAYOUT.to_le_bytes())?;
        let rest = (&self.clock, &self.originals, &self.boilerplate, &self.archive, &self.coordinator);
        postcard::to_io(&rest, out).map(|_| ()).map_err(io::Error::other)
    }

    fn save_window(&self) -> Vec<u8> {
        self.window.save()
    }

    fn save_frequency(&self) -> Vec<u8> {
        self.frequency.save()
    }

    /// A shard that goes on where the saved one stood, with the same answers.
    ///
    /// # Errors
    /// The bytes are damaged or of another version.
    pub fn load(bytes: &[u8]) -> Result<Self, ShardError> {
        let mut rest = bytes;
        let window = Window::load(part(&mut rest)?).map_err(|e| ShardError(e.to_string()))?;
        let frequency = GramFrequency::load(part(&mut rest)?).map_err(|e| ShardError(e.to_string()))?;
        let (layout, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
        if u32::from_le_bytes(*layout) != LAYOUT {
            return Err(ShardError("it is of another version".to_owned()));
        }
        let (clock, originals, boilerplate, archive, coordinator) =
            postcard::from_bytes(rest).map_err(|e| ShardError(e.to_string()))?;
        let neighbours = Vec::new();
        Ok(Self { window, frequency, coordinator, boilerplate, archive, originals, clock, neighbours })
    }

    /// The clusters so far.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Passages that everybody uses and that link no texts, for review.
    pub fn boilerplate(&self) -> &[Addition] {
        self.boilerplate.additions()
    }

    /// Counts the passages of a post by an old account. Cohorts are the months of registration: old accounts of many months
    /// are harder to come by than addresses of many networks.
    fn learn_boilerplate(&mut self, trace: &Trace, time_ms: i64) {
        let (Some(account), Some(age_days)) = (trace.account_key, trace.age_days) else { return };
        let month = (time_ms.div_euclid(DAY_MS) - i64::from(age_days)).div_euclid(DAYS_PER_COHORT);
        let author = PassageAuthor { account, age_days, cohort: month.cast_unsigned() };
        self.boilerplate.learn(&trace.normalised, author, time_ms);
    }

    /// Asks the archive for a post that has no neighbour in the window, and puts it there.
    fn ask_archive(&mut self, trace: &Trace, print: &Fingerprint, time_ms: i64) -> Option<Outcome> {
        let is_asked = print.chars >= ARCHIVE_CHARS_MIN && !trace.is_repost && self.archive.is_kept();
        if !is_asked || !self.neighbours.is_empty() {
            return None;
        }
        let found = self.archive.observe(&trace.normalised, &trace.item, trace.account_key, time_ms)?;
        Some(Outcome::of_archived(&found, trace.account_key))
    }

    /// Reads early what [`correlate`] will need for the next items, in their order, so that the waits for memory overlap. Changes
    /// no answer, also if other items come; for up to [`ITEMS_AHEAD`]. O(text).
    pub fn announce<'t>(&mut self, traces: impl Iterator<Item = &'t Trace> + Clone) {
        self.window.announce(traces.clone().map(|trace| &trace.print));
        traces.for_each(|trace| self.coordinator.announce(&trace.normalised));
    }

    /// Posts in the window, exact copies not counted.
    pub fn window_posts(&self) -> usize {
        self.window.posts()
    }

    /// Bytes of the window.
    pub fn window_bytes(&self) -> usize {
        self.window.memory_bytes()
    }
}

/// Looks an item up among the earlier ones and puts it there. `content` is the verdict on its content.
///
/// An item without a time counts as written with the newest one. Where the first times of all turn out to be wrong, what little
/// was remembered is forgotten. O(text) and a bounded number of neighbours.
pub fn correlate(bundle: &Bundle, shard: &mut Shard, trace: &Trace, content: Verdict) -> Correlated {
    if shard.clock.was_wrong(trace.time_ms) {
        *shard = Shard::new(bundle);
    }
    let time_ms = shard.clock.event_time(trace.time_ms);
    let mut own = None;
    if !shard.boilerplate.additions().is_empty() {
        let mut print = trace.print.clone();
        own = shard.boilerplate.mask(&trace.normalised, &mut print).map(|text| (print, text));
    }
    let (print, normalised) =
        own.as_ref().map_or((&trace.print, trace.normalised.as_str()), |(print, text)| (print, text));
    let observation = shard.window.observe(print, time_ms, &mut shard.neighbours);
    let sighting = Sighting {
        item: &trace.item,
        account: &trace.account,
        account_key: trace.account_key,
        time_ms,
        has_time: trace.time_ms.is_some(),
        age_days: trace.age_days,
        is_organisation: trace.is_organisation,
        device: trace.device,
        network: trace.network,
        parent: trace.parent,
        is_repost: trace.is_repost,
        content,
        contacts: &trace.contacts,
        print,
        normalised,
    };
    let mut outcomes = shard.coordinator.observe(
        &sighting,
        (&observation, &shard.neighbours),
        (&shard.frequency, &bundle.bigrams),
    );
    if let Some(account) = trace.account_key.filter(|_| !trace.is_repost) {
        shard.frequency.add(account, time_ms, &trace.print.grams);
        shard.learn_boilerplate(trace, time_ms);
    }
    if outcomes.iter().all(|outcome| outcome.near.is_none())
        && let Some(outcome) = shard.ask_archive(trace, print, time_ms)
    {
        outcomes.insert(0, outcome);
    }
    let copied = trace.article.as_ref().and_then(|article| {
        shard.originals.observe(&Submission {
            item: &trace.item,
            account: &trace.account,
            account_key: trace.account_key,
            subject: article.subject,
            is_organisation: trace.is_organisation,
            time_ms,
            document: &article.document,
        })
    });
    Correlated { outcomes, copied, is_late: observation.is_late }
}

/// Puts what the other items say on top of the decision on the content, and returns the decisions that stand beside
/// those on earlier items.
pub fn amend_decision(
    bundle: &Bundle,
    trace: &Trace,
    correlated: &Correlated,
    decision: &mut Decision,
) -> Vec<Decision> {
    let standing = Standing {
        policy: &bundle.policy,
        taxonomy: &bundle.taxonomy,
        articles: &bundle.articles,
        versions: bundle.versions(),
    };
    let author =
        Author { id: &trace.account, key: trace.account_key, is_organisation: trace.is_organisation };
    let mut follow_ups = Vec::new();
    for outcome in &correlated.outcomes {
        amend(standing, outcome, author, trace.time_ms, decision);
        let raised = outcome.raised.iter();
        follow_ups.extend(raised.filter_map(|raised| follow_up(standing, outcome, raised, &trace.item)));
    }
    if let (Some(copied), Some(article)) = (&correlated.copied, &trace.article) {
        amend_copied(standing, copied, &article.fields, trace.time_ms, decision);
    }
    if trace.article.as_ref().is_some_and(|article| article.document.is_cut()) {
        decision.limits.push("tokens_max".to_owned());
    }
    follow_ups
}
