//! What everybody writes, one post after the other in the order of time.

use std::collections::VecDeque;

use crate::everyday;
use crate::grammar::Texts;
use crate::people::{AccountKind, Population};
use crate::post::{Post, Reference, Repost, Source};
use crate::random::Random;
use crate::rhythm::{HOUR_MS, posts_per_hour};

/// Posts that comments and reposts may refer to.
const RECENT_MAX: usize = 3_000;
/// Shares of comments and of reposts among the items.
const COMMENTS: f64 = 0.45;
const REPOSTS: f64 = 0.08;
/// Share of posts in one of the circles, and their number.
const IN_CIRCLES: f64 = 0.1;
const CIRCLES: usize = 200;
/// How much of a post its reposts quote, in characters.
const QUOTE_CHARS_MAX: usize = 120;

/// A post that others may answer.
#[derive(Debug)]
struct Recent {
    serial: u64,
    author: usize,
    theme: usize,
    quote: String,
}

/// Draws the background; flat in memory.
#[derive(Debug)]
pub(crate) struct Background {
    random: Random,
    start_ms: i64,
    per_hour: Vec<usize>,
    hour: usize,
    /// Moments left in this hour, latest first.
    moments: Vec<i64>,
    recent: VecDeque<Recent>,
}

impl Background {
    pub(crate) fn new(seed: u64, start_ms: i64, hours: usize, total: usize) -> Self {
        let mut random = Random::new(seed, "background", 0);
        let per_hour = posts_per_hour(&mut random, start_ms, hours, total);
        let (moments, recent) = (Vec::new(), VecDeque::new());
        Self { random, start_ms, per_hour, hour: 0, moments, recent }
    }

    /// The time of the next post.
    pub(crate) fn peek_ms(&mut self) -> Option<i64> {
        while self.moments.is_empty() && self.hour < self.per_hour.len() {
            let start_ms = self.start_ms + self.hour as i64 * HOUR_MS;
            let count = self.per_hour[self.hour];
            self.moments.extend((0..count).map(|_| start_ms + self.random.between(0, HOUR_MS - 1)));
            self.moments.sort_unstable_by(|a, b| b.cmp(a));
            self.hour += 1;
        }
        self.moments.last().copied()
    }

    /// The next post.
    pub(crate) fn next(&mut self, texts: &Texts, population: &Population) -> Option<Post> {
        let time_ms = self.peek_ms()?;
        self.moments.pop();
        let author = population.active(&mut self.random, time_ms);
        let (device, network) = population.place_of(author, &mut self.random);
        let mut post = Post {
            time_ms,
            author,
            surface: "post",
            title: String::new(),
            text: String::new(),
            parent: None,
            circle: None,
            device,
            network,
            repost: None,
            source: Source::Background("post"),
        };
        let share = self.random.unit();
        match self.hot().filter(|_| share < COMMENTS + REPOSTS) {
            Some(at) if share < COMMENTS => self.fill_comment(texts, at, &mut post),
            Some(at) => self.fill_repost(texts, population, at, &mut post),
            None => self.fill_post(texts, population, &mut post),
        }
        Some(post)
    }

    /// Place of a recent post: new ones and some hot ones are answered most.
    fn hot(&mut self) -> Option<usize> {
        let age = (self.random.unit().powi(3) * self.recent.len() as f64) as usize;
        self.recent.len().checked_sub(1 + age)
    }

    fn fill_post(&mut self, texts: &Texts, population: &Population, post: &mut Post) {
        let author = &population.people[post.author];
        if author.kind == AccountKind::Organisation {
            post.text = texts.line("org.post", &mut self.random);
            post.source = Source::Background("organisation");
            return;
        }
        let theme = self.random.pick(&author.themes);
        post.text = everyday::post(texts, &mut self.random, theme);
        post.source = Source::Background(texts.lines("theme")[theme]);
        if self.random.chance(IN_CIRCLES) {
            post.circle = Some(self.random.below(CIRCLES) as u32);
        }
    }

    fn fill_comment(&mut self, texts: &Texts, at: usize, post: &mut Post) {
        let Recent { serial, theme, .. } = self.recent[at];
        post.surface = "comment";
        post.text = everyday::comment(texts, &mut self.random, theme);
        post.parent = Some(Reference::Serial(serial));
        post.source = Source::Background("comment");
    }

    fn fill_repost(&mut self, texts: &Texts, population: &Population, at: usize, post: &mut Post) {
        let Recent { serial, author, ref quote, .. } = self.recent[at];
        let name = &population.people[author].name;
        let lead = texts.line("repost.lead", &mut self.random);
        post.text = if self.random.chance(0.6) { format!("{lead}//@{name}:{quote}") } else { lead };
        post.repost = Some(Repost { of: Reference::Serial(serial), attribution: format!("@{name}") });
        post.source = Source::Background("repost");
    }

    /// Learns of an item that was written, so that others may answer it.
    pub(crate) fn note(&mut self, serial: u64, post: &Post, population: &Population) {
        if post.parent.is_some() {
            return;
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        let theme = population.people[post.author].themes[0];
        let quote = post.text.chars().take(QUOTE_CHARS_MAX).collect();
        self.recent.push_back(Recent { serial, author: post.author, theme, quote });
    }

    /// The item that a number chooses among the recent ones.
    pub(crate) fn recent(&self, choice: u64) -> Option<u64> {
        let count = self.recent.len() as u64;
        let at = choice.checked_rem(count)?;
        self.recent.get(at as usize).map(|recent| recent.serial)
    }
}
