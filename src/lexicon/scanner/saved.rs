/// x
#[derive(Debug)]
pub struct SavedError;
