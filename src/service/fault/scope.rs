//! Class K: scans recorded in a region that status looks in only when the address names it.

/// Where a scan's keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Region {
    /// Where status looks by default.
    #[default]
    Home,
    /// Where status looks when told to.
    Remote,
}

impl Region {
    /// The region that a query string names; `None` if there is none of that name.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let named = query.split('&').find_map(|pair| pair.strip_prefix("region="));
        match named {
            None | Some("") => Some(Region::Home),
            Some("remote") => Some(Region::Remote),
            Some(_) => None,
        }
    }

    /// What an address needs so that status looks here.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Region::Home => "",
            Region::Remote => "?region=remote",
        }
    }

    /// What is put before the keys.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Region::Home => "",
            Region::Remote => "remote/",
        }
    }
}
