//! What is planned before the background is written around it: campaigns and look-alikes.

use crate::grammar::Texts;
use crate::people::Population;
use crate::post::{Group, Post, Reference, Source};
use crate::random::Random;
use crate::rhythm::awake;

/// The planned items and the groups that they belong to.
#[derive(Debug)]
pub(crate) struct Plan<'w> {
    pub(crate) texts: &'w Texts,
    pub(crate) population: &'w mut Population,
    pub(crate) seed: u64,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// Not in the order of time.
    pub(crate) posts: Vec<Post>,
    pub(crate) groups: Vec<Group>,
}

impl Plan<'_> {
    /// Opens a group; its place.
    pub(crate) fn open(&mut self, kind: &'static str, is_campaign: bool) -> usize {
        let nth = self.groups.len() + 1;
        let id = format!("{}{nth}", if is_campaign { 'c' } else { 'l' });
        let (accounts, templates, infrastructure) = (Vec::new(), Vec::new(), String::new());
        self.groups.push(Group { id, kind, is_campaign, accounts, templates, infrastructure });
        nth - 1
    }

    /// Length of the run.
    pub(crate) fn span_ms(&self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// A moment that leaves history before it and `needed_ms` after it, if the run is long enough.
    pub(crate) fn beginning(&self, random: &mut Random, needed_ms: i64) -> i64 {
        let earliest = self.start_ms + self.span_ms() * 15 / 100;
        let day = random.between(earliest, (self.end_ms - needed_ms).max(earliest));
        self.inside(awake(random, day).max(earliest))
    }

    /// The nearest moment inside the run.
    pub(crate) fn inside(&self, time_ms: i64) -> i64 {
        time_ms.clamp(self.start_ms, self.end_ms - 1)
    }

    /// A post of `author` from one of the author's own places.
    pub(crate) fn draft(
        &self,
        random: &mut Random,
        author: usize,
        time_ms: i64,
        text: String,
        source: Source,
    ) -> Post {
        let (device, network) = self.population.place_of(author, random);
        let time_ms = self.inside(time_ms);
        let (surface, title, parent, circle, repost) = ("post", String::new(), None, None, None);
        Post { time_ms, author, surface, title, text, parent, circle, device, network, repost, source }
    }

    /// Plans an item; what others may refer to it by.
    pub(crate) fn put(&mut self, post: Post) -> Reference {
        self.posts.push(post);
        Reference::Planned(self.posts.len() - 1)
    }
}
