//! What somebody says is to become of what is parked.

use super::Lanes;
use super::lane::Stage;
use super::planning::{Deed, Item};

impl Lanes {
    /// A parked aggregate goes on, with the event that failed or behind it; gives the ticket of who
    /// waits for that to be committed. Nothing if it is not parked.
    pub(in crate::toolkit::process) fn unpark(&mut self, name: &str, skip: bool) -> Option<u64> {
        let nth = self.lanes.find(name)?;
        let ticket = self.next_token();
        let lane = self.lanes.get_mut(nth)?;
        let position = lane.stage.parked_at()?;
        lane.stage = Stage::Parked { position, asked: true };
        lane.uncommitted += 1;
        let deed = Deed::Resume { position, skip };
        self.finished.push_back(Item { nth, ticket: Some(ticket), alone: false, deed });
        Some(ticket)
    }
}
