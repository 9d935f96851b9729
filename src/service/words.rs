//! The knobs' values that are one of a few words.

/// An enum whose variants are written as words in knob values.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// The words a knob accepts, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The variant written as `word`.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// How the variant is written.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// A thing that is done or not.
    Switch {
        /// Done.
        On = "on",
        /// Not done.
        Off = "off",
    }
}
words! {
    /// What is routed to a worker as one unit.
    Routing {
        /// Every request chooses a worker anew.
        PerRequest = "per-request",
        /// A connection keeps the worker that accepted it.
        PerConnection = "per-connection",
    }
}
words! {
    /// How the next worker is chosen.
    Policy {
        /// One after the other.
        RoundRobin = "round-robin",
        /// By a seeded draw.
        Random = "random",
        /// By a seeded draw, and for all that come within 2 ms of each other the same: a process that wakes takes all that waits.
        Bursts = "bursts",
    }
}
words! {
    /// When a worker opens its handle on the shared store for scan results.
    StoreHandle {
        /// At start.
        Eager = "eager",
        /// With the first POST that this worker serves; a read never opens it.
        FirstPost = "first-post",
        /// With the first POST or the first read.
        OnRead = "on-read",
    }
}
words! {
    /// Where a status request looks for the scan.
    ReadPath {
        /// Only in the memory of the worker that serves the request.
        Memory = "memory",
        /// In that memory first, then in the store, keeping a copy of what was found there.
        MemoryFirst = "memory-first",
        /// Only in the store that all workers share.
        Store = "store",
    }
}
words! {
    /// What a result slot is keyed by.
    Slot {
        /// User and filters: all scans of one user with equal filters share a slot.
        PerFilters = "per-filters",
        /// The scan's own id.
        PerScan = "per-scan",
    }
}
words! {
    /// What is written into the slot before the id is handed out.
    Placeholder {
        /// Nothing.
        None = "none",
        /// A partial entry without progress (0/0), over whatever is there.
        Plain = "plain",
        /// As `plain`, but only for requests that do not force a refresh.
        Unforced = "unforced",
        /// An accepted record (0/14), never over a newer or finished one.
        Guarded = "guarded",
    }
}
words! {
    /// What status does when it finds no entry.
    Fallback {
        /// Says `not_found`.
        None = "none",
        /// Answers `scanning 0/14` if the lifecycle knows the id, whoever asks.
        Lifecycle = "lifecycle",
        /// As `lifecycle`, but only for the scan's owner.
        LifecycleOwner = "lifecycle-owner",
    }
}
words! {
    /// A point of the background work.
    Stage {
        /// Nowhere.
        None = "none",
        /// While the profile is read, before the first snapshot.
        Profile = "profile",
        /// While the portfolio is fetched.
        Portfolio = "portfolio",
        /// While assets are discovered.
        Assets = "assets",
        /// After the seventh strategy.
        Strategies = "strategies",
        /// After the strategies, before the result is written.
        Finalise = "finalise",
    }
}
words! {
    /// What becomes of a scan whose background task died.
    OnCrash {
        /// Nothing: whatever was written stays until its TTL.
        Vanish = "vanish",
        /// It is recorded as failed.
        Fail = "fail",
    }
}
words! {
    /// Which records are dropped early.
    Evict {
        /// None.
        None = "none",
        /// A finished one, `evict-after` after it finished.
        Ttl = "ttl",
        /// A finished one, at once.
        OnCompletion = "on-completion",
        /// All finished ones but the last `evict-keep`.
        KeepLast = "keep-last",
        /// Any that nobody asked for during `evict-after`.
        Idle = "idle",
    }
}
words! {
    /// When a queued job's record is written.
    QueueRecord {
        /// With the POST: a waiting job is visible as scanning.
        AtAccept = "at-accept",
        /// When the job gets a slot.
        AtStart = "at-start",
    }
}
words! {
    /// How the front reads a request's path.
    PathDecoding {
        /// Leaves it to the worker.
        Correct = "correct",
        /// Decodes `%2F` before routing and takes `+` for a space.
        Eager = "eager",
    }
}
words! {
    /// Which scan a status request is answered with.
    Resolve {
        /// The one that was asked for.
        Asked = "asked",
        /// The latest one of the same user.
        Latest = "latest",
    }
}

words! {
    /// Which requests share a kept `not_found`.
    CacheKey {
        /// Those of one address.
        Url = "url",
        /// Those of one caller who has no scan at all.
        User = "user",
    }
}
words! {
    /// Whether the front leads a client back to its worker.
    Affinity {
        /// It does not.
        None = "none",
        /// By a cookie, which it hands out with every answer to a client that has none.
        Cookie = "cookie",
    }
}
words! {
    /// What status says of a scan whose work has written no state yet.
    UnsetState {
        /// That it runs.
        Running = "running",
        /// That it is complete.
        Complete = "complete",
        /// That it failed.
        Failed = "failed",
    }
}
words! {
    /// The change of state at which a record moves from one store to another.
    Handover {
        /// When the work writes its first snapshot.
        Start = "start",
        /// When the scan is complete.
        End = "end",
    }
}

impl Switch {
    /// Whether the thing is done.
    pub fn is_on(self) -> bool {
        self == Switch::On
    }
}
