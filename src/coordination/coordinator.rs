//! The owner of all clusters.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Sighting;
use super::aged::{Aged, Weigh};
use super::background::{Background, DAY_MS};
use super::cluster::{Basis, Cluster, Member};
use super::families::Together;
use super::rarity::Rarity;
use super::report::ClusterReport;
use super::templates::Templates;
use super::tier::{Assessment, NOTED_ACCOUNTS_MIN, RARITY_BITS_MIN, Tier, assess, says_something};
use crate::lexicon::Bigrams;
use crate::neardup::{Archived, Fillings, GramFrequency, NO_POSITION, Neighbour, Observation, Strength};

/// For how long posts and clusters are remembered after they were last touched, at least.
const MEMORY_MS: i64 = 7 * DAY_MS;
/// Members of the clusters of one generation, and clusters, for each post whose particulars are kept.
const MEMBERS_PER_POST: usize = 2;
/// The same however few these are.
const MEMBERS_MIN: usize = 1 << 16;
/// An address or a telephone in more posts is followed no further: that of a paper, of a shop that everybody knows.
const ADDRESS_POSTS_MAX: u32 = 200;
/// Contacts of one post that are followed, chat ids first.
pub const CHATS_MAX: usize = 2;
/// Members of a cluster, the newest, among which another answer to the same post is looked for.
const MATES_ASKED: usize = 256;
/// Earlier answers in a text that are added to those of the post, at most; later ones were added as they came.
const MATES_ADDED: usize = 4;
/// Neighbours that are asked for their cluster.
const NEIGHBOURS_ASKED: usize = 8;

/// What is kept of a post that is in no cluster yet.
#[derive(Debug, Serialize, Deserialize)]
struct Post {
    member: Member,
    cluster: Option<u64>,
}

impl Weigh for Post {}

/// A cluster that a post belongs to, as it stands with this post.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The cluster.
    pub cluster: u64,
    /// Posts in it, this one included.
    pub posts: u64,
    /// Distinct accounts in it.
    pub accounts: u32,
    /// The nearest neighbour; none where the posts have a contact in common and not the text.
    pub near: Option<Near>,
    /// What it has earned; none while it is not worth a note.
    pub assessment: Option<Arc<Assessment>>,
    /// Earlier posts that stand in another light with this one.
    pub raised: Vec<Raised>,
}

/// The nearest neighbour of a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// How much of the text is the neighbour's, 0.0–1.0.
    pub similarity: f32,
    /// How sure that makes that it is the same text.
    pub strength: Strength,
    /// The neighbour's item; none when it was only counted.
    pub of: Option<String>,
    /// What both were filled from, slots written as `〔…〕`, where that is what links them.
    pub template: Option<String>,
    /// Event time of the neighbour where it was found in the archive, ms since 1970.
    pub archived_ms: Option<i64>,
}

impl Outcome {
    /// A post whose neighbour left the window long ago: they are no cluster, and only named.
    pub fn of_archived(found: &Archived, account: Option<u64>) -> Self {
        let near = Near {
            similarity: found.similarity,
            strength: Strength::Link,
            of: Some(found.item.clone()),
            template: None,
            archived_ms: Some(found.time_ms),
        };
        let mut accounts = [found.account, account].into_iter().flatten().collect::<Vec<u64>>();
        accounts.dedup();
        Self {
            cluster: super::key_of(&format!("archive {} {}", found.time_ms, found.item)),
            posts: 2,
            accounts: u32::try_from(accounts.len()).unwrap_or(0),
            near: Some(near),
            assessment: None,
            raised: Vec::new(),
        }
    }
}

/// A cluster that takes a post, and what led to it.
struct Place {
    cluster: u64,
    near: Near,
}

/// An earlier post that appears in another light.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// The earlier post.
    pub member: Member,
    /// The highest tier of this cluster that was named in a decision on it.
    pub from: Tier,
}

/// Clusters, accounts and what is ordinary: the state of the coordination stage. One owner, in the order of arrival.
#[derive(Debug, Serialize, Deserialize)]
pub struct Coordinator {
    posts: Aged<u64, Post>,
    clusters: Aged<u64, Cluster>,
    templates: Templates,
    background: Background,
}

impl Coordinator {
    /// No posts yet. Of up to twice `posts` posts the particulars are kept, some 400 bytes each, so that a later one can
    /// show with whom it agrees; of up to four times `posts` once more in the clusters that they belong to. Where more come
    /// within a week, they are remembered for less.
    pub fn new(posts: u32) -> Self {
        let posts_max = posts.max(1) as usize;
        Self {
            posts: Aged::new(MEMORY_MS, posts_max),
            clusters: Aged::new(MEMORY_MS, posts_max.saturating_mul(MEMBERS_PER_POST).max(MEMBERS_MIN)),
            templates: Templates::new(posts),
            background: Background::new(),
        }
    }

    /// Reads early what [`Self::observe`] will need for a post that comes soon, by its normalised text. Changes no answer.
    /// O(characters) for short texts.
    pub fn announce(&mut self, normalised: &str) {
        self.templates.announce(normalised);
    }

    /// Takes a post with its neighbours, best first, and what the window says of it. The clusters that it belongs to: at
    /// most one by its text, first, [`CHATS_MAX`] by the contacts in it, and one by the post that it answers.
    ///
    /// O(grams · neighbours); O(members of its cluster) each time that the number of their accounts has grown by a
    /// thirty-second or that of their posts by a quarter.
    pub fn observe(
        &mut self,
        sighting: &Sighting<'_>,
        (observation, neighbours): (&Observation, &[Neighbour]),
        (frequency, language): (&GramFrequency, &Bigrams),
    ) -> Vec<Outcome> {
        let habit = self.background.add(sighting);
        if sighting.is_repost {
            self.count_repost(neighbours);
            return Vec::new();
        }
        let now = self.background.now_ms;
        let member = Member::of(sighting, habit);
        self.background.use_contacts(&member);
        let rarity = Rarity { frequency, language };
        let mut outcomes = Vec::new();
        let position = observation.position;
        let place = self.find(sighting, neighbours, &rarity);
        if position != NO_POSITION {
            let is_copy = neighbours.first().is_some_and(|neighbour| neighbour.strength == Strength::Exact);
            let is_sure = place.as_ref().is_some_and(|place| self.has_template(place.cluster));
            if !is_copy && !is_sure && observation.is_inserted {
                self.templates.keep(sighting.normalised, position, sighting.time_ms);
            }
            let near = place.as_ref().map(|place| &place.near);
            let post = || Post { member: member.clone().near(near), cluster: None };
            let post = self.posts.entry(position, now, post);
            post.cluster = place.as_ref().map(|place| place.cluster).or(post.cluster);
        }
        let by_text = place.as_ref().map(|place| place.cluster);
        if let Some(Place { cluster, near }) = place {
            let member = member.clone().near(Some(&near));
            self.background.join(&member, cluster);
            outcomes.extend(self.join(cluster, member, sighting, &rarity, Some(near)));
        }
        for contact in sighting.contacts.iter().take(CHATS_MAX) {
            let is_widespread =
                !contact.is_chat && self.background.posts_with(contact.key) > ADDRESS_POSTS_MAX;
            if is_widespread || !self.background.is_shared(contact.key) {
                continue;
            }
            let cluster = super::key_of(&format!("contact {}", contact.key));
            self.clusters.entry(cluster, now, || Cluster::of(Basis::Contact, cluster, sighting.time_ms));
            outcomes.extend(self.join(
                cluster,
                Member { by_text, ..member.clone() },
                sighting,
                &rarity,
                None,
            ));
        }
        if let (Some(parent), Some(text)) = (sighting.parent, by_text) {
            let member = Member { by_text, ..member };
            outcomes.extend(self.answer((parent, text), member, sighting, &rarity));
        }
        outcomes
    }

    /// Puts an answer into the cluster of all answers to one post that are written in rare texts which at least two accounts
    /// have answered it with: praise by contract has many wordings, and each of them several authors.
    fn answer(
        &mut self,
        (parent, text): (u64, u64),
        member: Member,
        sighting: &Sighting<'_>,
        rarity: &Rarity<'_>,
    ) -> Option<Outcome> {
        let now = self.background.now_ms;
        let cluster = self.clusters.get(text).filter(|cluster| says_something(cluster))?;
        let is_mate = |mate: &&Member| {
            mate.parent == Some(parent)
                && mate.account_key.is_some()
                && mate.account_key != member.account_key
        };
        let asked = cluster.members.iter().rev().take(MATES_ASKED);
        let mates: Vec<Member> = asked.filter(is_mate).take(MATES_ADDED + 1).cloned().collect();
        let since = mates.last()?.time_ms;
        let id = super::key_of(&format!("target {parent}"));
        let target = self.clusters.entry(id, now, || Cluster::of(Basis::Target, id, since));
        let before = target.members.len();
        // The first of a text wait in its cluster by text until it is known what they have in common.
        for mate in mates.iter().rev().filter(|_| mates.len() <= MATES_ADDED) {
            if !target.members.iter().any(|known| known.item == mate.item) {
                target.push(
                    Member { by_text: Some(text), told: Tier::Note, is_carried: false, ..mate.clone() },
                    &[],
                    None,
                );
            }
        }
        let added = target.members.len() - before;
        self.clusters.grew(added);
        self.join(id, member, sighting, rarity, None)
    }

    fn join(
        &mut self,
        id: u64,
        member: Member,
        sighting: &Sighting<'_>,
        rarity: &Rarity<'_>,
        near: Option<Near>,
    ) -> Option<Outcome> {
        let cluster = self.clusters.get_mut(id, self.background.now_ms)?;
        let is_kept = cluster.push(member, &sighting.print.grams, Some((sighting.normalised, rarity)));
        if cluster.keep_wording(sighting.account_key, sighting.normalised) {
            self.templates.learn(cluster, self.background.now_ms, rarity);
        }
        self.clusters.grew(usize::from(is_kept));
        let raised = self.judge(id, is_kept);
        let cluster = self.clusters.get(id)?;
        let is_noted = cluster.accounts() >= NOTED_ACCOUNTS_MIN;
        Some(Outcome {
            cluster: id,
            posts: cluster.posts,
            accounts: cluster.accounts(),
            near,
            assessment: is_noted.then(|| Arc::clone(&cluster.assessment)),
            raised,
        })
    }

    /// The cluster that takes the post, begun if need be: that of a neighbour, of a template that it fills, or of a text
    /// that seems to be filled from the same one.
    fn find(
        &mut self,
        sighting: &Sighting<'_>,
        neighbours: &[Neighbour],
        rarity: &Rarity<'_>,
    ) -> Option<Place> {
        let grams = &sighting.print.grams;
        let now = self.background.now_ms;
        let mut alone = None;
        for neighbour in neighbours.iter().take(NEIGHBOURS_ASKED) {
            // Asked for, a post stays known for as long as the window knows it.
            let Some(post) = self.posts.get_mut(neighbour.position, now) else { continue };
            match post.cluster.filter(|id| self.clusters.get(*id).is_some()) {
                Some(id) => {
                    let takes =
                        |cluster: &Cluster| neighbour.strength == Strength::Exact || cluster.accepts(grams);
                    if self.clusters.get(id).is_some_and(takes) {
                        return Some(Place { cluster: id, near: near(neighbour, &post.member) });
                    }
                }
                None => alone = alone.or(Some(*neighbour)),
            }
        }
        if let Some(place) = self.find_template(sighting) {
            return Some(place);
        }
        if let Some(neighbour) = alone {
            return self.begin(&neighbour, None, grams);
        }
        let filled = self.templates.alike(sighting.normalised, now, rarity)?;
        let neighbour = Neighbour {
            position: filled.position,
            similarity: filled.similarity,
            containment: filled.similarity,
            strength: Strength::Link,
            is_contained: false,
        };
        let post = self.posts.get_mut(filled.position, now)?;
        let Some((id, cluster)) = post.cluster.and_then(|id| Some((id, self.clusters.get(id)?))) else {
            return self.begin(&neighbour, Some(filled.template), grams);
        };
        let is_same = cluster.accepts(grams)
            || Fillings::compare(sighting.normalised, &cluster.text, |pair| rarity.pair_millibits(pair))
                .is_some();
        let near = Near { template: Some(filled.template), ..near(&neighbour, &post.member) };
        is_same.then_some(Place { cluster: id, near })
    }

    /// The cluster whose template the post fills.
    fn find_template(&mut self, sighting: &Sighting<'_>) -> Option<Place> {
        let now = self.background.now_ms;
        let fit = self.templates.fit(sighting.normalised, now, |id| self.clusters.get(id).is_some())?;
        let first = self.clusters.get(fit.cluster)?.members.first();
        let of = first.map(|member| member.item.clone());
        let (similarity, strength) = (fit.similarity, Strength::Link);
        Some(Place {
            cluster: fit.cluster,
            near: Near { similarity, strength, of, template: Some(fit.template), archived_ms: None },
        })
    }

    fn has_template(&self, cluster: u64) -> bool {
        self.clusters.get(cluster).is_some_and(|cluster| cluster.template.is_some())
    }

    /// Begins a cluster with a neighbour that is in none.
    fn begin(&mut self, neighbour: &Neighbour, template: Option<String>, grams: &[u32]) -> Option<Place> {
        let now = self.background.now_ms;
        let post = self.posts.get_mut(neighbour.position, now)?;
        let id = cluster_id(&post.member);
        post.cluster = Some(id);
        // The founder is as near to the second post as that one is to it.
        post.member.similarity = neighbour.similarity;
        post.member.strength = neighbour.strength;
        let founder = post.member.clone();
        let near = Near { template, ..near(neighbour, &founder) };
        self.background.join(&founder, id);
        // The founder's own grams are gone; those of the second post stand for them.
        self.clusters.entry(id, now, || Cluster::new(id, founder, grams));
        Some(Place { cluster: id, near })
    }

    fn count_repost(&mut self, neighbours: &[Neighbour]) {
        let now = self.background.now_ms;
        let nearest = neighbours.first().and_then(|neighbour| self.posts.get(neighbour.position));
        let Some(id) = nearest.and_then(|post| post.cluster) else { return };
        if let Some(cluster) = self.clusters.get_mut(id, now) {
            cluster.reposts += 1;
        }
    }

    /// Judges a cluster anew when it has enough new accounts, or posts: what accounts do again says more of them. The posts that stand in another light now, without the
    /// last one, which is kept or not.
    fn judge(&mut self, id: u64, last_is_kept: bool) -> Vec<Raised> {
        let now = self.background.now_ms;
        let Some(cluster) = self.clusters.get(id) else { return Vec::new() };
        let accounts = cluster.accounts();
        if accounts < NOTED_ACCOUNTS_MIN {
            return Vec::new();
        }
        let is_due = accounts >= cluster.assess_at || cluster.posts >= cluster.assess_at_posts;
        let other = |id: u64| {
            let cluster = self.clusters.get(id)?;
            Some(Together {
                accounts: cluster.accounts(),
                posts: cluster.posts,
                is_rare: cluster.rarity_bits() >= RARITY_BITS_MIN,
                members: &cluster.members,
            })
        };
        let assessment = is_due.then(|| Arc::new(assess(cluster, &self.background, &other)));
        let Some(cluster) = self.clusters.get_mut(id, now) else { return Vec::new() };
        let mut raised = Vec::new();
        let earlier = cluster.members.len() - usize::from(last_is_kept && !cluster.members.is_empty());
        if let Some(assessment) = assessment {
            cluster.assessment = Arc::clone(&assessment);
            cluster.assess_at = accounts.saturating_add((accounts / 32).max(1));
            cluster.assess_at_posts = cluster.posts.saturating_add((cluster.posts / 4).max(2));
            for member in &mut cluster.members[..earlier] {
                let from = member.told;
                let is_carried = assessment.carries(member) && !member.is_carried;
                if assessment.tier > from || is_carried {
                    member.told = from.max(assessment.tier);
                    member.is_carried |= is_carried;
                    raised.push(Raised { member: member.clone(), from });
                }
            }
        }
        let assessment = Arc::clone(&cluster.assessment);
        for member in &mut cluster.members[earlier..] {
            member.told = assessment.tier;
            member.is_carried = assessment.carries(member);
        }
        raised
    }

    /// The `top` clusters by tier, score and size among those with at least `posts_min` posts and `tier_min`, and how many
    /// these are. O(clusters + top log top); allocates for those that are returned.
    pub fn reports(&self, posts_min: u64, tier_min: Tier, top: usize) -> (Vec<ClusterReport>, usize) {
        let clusters = self.clusters.values();
        let is_asked = |cluster: &&Cluster| cluster.posts >= posts_min && cluster.assessment.tier >= tier_min;
        let mut clusters: Vec<&Cluster> = clusters.filter(is_asked).collect();
        let found = clusters.len();
        let order = |a: &&Cluster, b: &&Cluster| {
            let size = |cluster: &Cluster| (cluster.accounts(), cluster.posts);
            let by_score = b.assessment.score.total_cmp(&a.assessment.score);
            let by_tier = b.assessment.tier.cmp(&a.assessment.tier);
            by_tier.then(by_score).then(size(b).cmp(&size(a))).then(a.id.cmp(&b.id))
        };
        if top < found {
            clusters.select_nth_unstable_by(top, order);
            clusters.truncate(top);
        }
        clusters.sort_unstable_by(order);
        (clusters.into_iter().map(ClusterReport::new).collect(), found)
    }
}

fn near(neighbour: &Neighbour, member: &Member) -> Near {
    let Neighbour { similarity, strength, .. } = *neighbour;
    Near { similarity, strength, of: Some(member.item.clone()), template: None, archived_ms: None }
}

/// An id for the cluster of a first post: the same in every run.
fn cluster_id(founder: &Member) -> u64 {
    super::key_of(&format!("{} {} {}", founder.time_ms, founder.wording, founder.item))
}
