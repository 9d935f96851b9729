//! The store as Redis or Valkey.
//!
//! Every change runs as one server-side script, because a claim and a guarded put have to look and write in one step, and because a batch
//! must never be seen half done. The scripts name their keys in the arguments, which a single server or a primary accepts; a cluster
//! would want hash tags.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, Cmd};

use super::epoch::{self, Epoch, Finding, Known};
use super::keys;
use super::{Followed, Put, Reveal, StoreError, Write};
use crate::service::clock::Clock;
use crate::service::record::Admission;

/// How long Redis may take before a request is answered 503.
const PATIENCE: Duration = Duration::from_secs(1);

/// `ARGV`: mode, key, value, ttl in ms, lifecycle index; then seven per write.
const SCRIPT: &str = r"
local mode, key, value, ttl, index = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if mode ~= 'apply' then
  local there = redis.call('GET', key)
  if there and mode == 'claim' then return {'held', there} end
  if there and mode == 'guard' then
    local old, new = cjson.decode(there), cjson.decode(value)
    local ended = old.state == 'complete' or old.state == 'failed'
    local ends = new.state == 'complete' or new.state == 'failed'
    if old.scan_id == new.scan_id then
      if ended or new.run < old.run then return {'superseded', ''} end
      if not ends and new.strategies_completed < old.strategies_completed then return {'behind', ''} end
    end
  end
  redis.call('SET', key, value, 'PX', ttl)
end
for i = 6, #ARGV, 7 do
  local op, k, a, b, at, life, member = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4], ARGV[i+5], ARGV[i+6]
  if op == 'set' then redis.call('SET', k, a, 'PX', life)
  elseif op == 'delete' then redis.call('DEL', k)
  elseif op == 'delete-if' then if redis.call('GET', k) == a then redis.call('DEL', k) end
  elseif op == 'phase' then
    redis.call('HSET', k, a, b)
    redis.call('PEXPIRE', k, life)
    redis.call('ZADD', index, at, member)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. string.format('%.0f', tonumber(at) - tonumber(life)))
  end
end
return {'written', ''}
";

/// So many keys are remembered with what they led to; then it begins anew.
const MOST_GUESSES: usize = 4096;

/// A connection that re-opens itself.
#[derive(Clone)]
pub(crate) struct RedisStore {
    connection: ConnectionManager,
    prefix: String,
    clock: Clock,
    known: Arc<Known>,
    /// What keys led to when they were last followed.
    guesses: Arc<Mutex<HashMap<String, String>>>,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects, so that a wrong address is found out at start. `memory` is how long anything lives by which a scan is found.
    pub(crate) async fn open(url: &str, prefix: &str, clock: Clock, memory: Duration) -> Result<Self, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let mut connection = ConnectionManager::new_with_config(Client::open(url)?, config).await?;
        let key = format!("{prefix}{}", epoch::KEY);
        let first = Epoch::first(clock.unix_millis());
        let () = ::redis::cmd("SETNX").arg(&key).arg(first.to_text()).query_async(&mut connection).await?;
        let there: Option<String> = ::redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
        let stamp = there.as_deref().and_then(Epoch::from_text).unwrap_or(first);
        Ok(RedisStore { connection, prefix: prefix.to_owned(), clock, known: Arc::new(Known::new(stamp, memory)), guesses: Arc::default() })
    }

    /// Succeeds if what this store does not hold was never written to it, or has lived its time.
    pub(crate) async fn confirm_missing(&self) -> Result<(), StoreError> {
        let key = self.named(epoch::KEY);
        let there: Option<String> = ::redis::cmd("GET").arg(&key).query_async(&mut self.connection.clone()).await?;
        match self.known.find(there.as_deref(), self.clock.unix_millis()) {
            Finding::Certain => Ok(()),
            Finding::Forgetful => Err(StoreError::Forgetful),
            Finding::Lost(stamp) => {
                let () = ::redis::cmd("SET").arg(&key).arg(stamp.to_text()).query_async(&mut self.connection.clone()).await?;
                Err(StoreError::Forgetful)
            }
        }
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(::redis::cmd("GET").arg(self.named(key)).query_async(&mut self.connection.clone()).await?)
    }

    /// All of one instant, and mostly with one question: what the key led to the last time is asked for along with it. That is a guess
    /// which each answer confirms or corrects.
    pub(crate) async fn follow(&self, key: &str, prefix: &str, beside: &[String]) -> Result<Option<Followed>, StoreError> {
        let mut guess = self.guesses().get(key).cloned();
        loop {
            let named = guess.as_ref().map(|name| self.named(prefix) + name);
            let others = beside.iter().map(|key| self.named(key));
            let keys: Vec<String> = std::iter::once(self.named(key)).chain(others).chain(named).collect();
            let values: Vec<Option<String>> = ::redis::cmd("MGET").arg(keys).query_async(&mut self.connection.clone()).await?;
            let mut values = values.into_iter();
            let Some(name) = values.next().flatten() else {
                return Ok(None);
            };
            let others: Vec<Option<String>> = values.by_ref().take(beside.len()).collect();
            if guess.as_ref() == Some(&name) {
                return Ok(Some(Followed { name, value: values.next().flatten(), beside: others }));
            }
            let mut guesses = self.guesses();
            if guesses.len() >= MOST_GUESSES {
                guesses.clear();
            }
            guesses.insert(key.to_owned(), name.clone());
            guess = Some(name);
        }
    }

    fn guesses(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn apply(&self, writes: &[Write], reveal: Option<Reveal<'_>>) -> Result<(), StoreError> {
        let nothing = Put { key: String::new(), value: String::new(), ttl: Duration::ZERO };
        self.run("apply", &nothing, writes, reveal).await?;
        Ok(())
    }

    pub(crate) async fn claim(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Option<String>, StoreError> {
        let (outcome, holder) = self.run("claim", put, also, reveal).await?;
        Ok((outcome == "held").then_some(holder))
    }

    pub(crate) async fn put_guarded(&self, put: &Put, also: &[Write], reveal: Option<Reveal<'_>>) -> Result<Admission, StoreError> {
        let (outcome, _) = self.run("guard", put, also, reveal).await?;
        Ok(match outcome.as_str() {
            "superseded" => Admission::Superseded,
            "behind" => Admission::Behind,
            _ => Admission::Written,
        })
    }

    pub(crate) async fn phases(&self, scan_id: &str) -> Result<Vec<(String, String)>, StoreError> {
        let key = self.named(&keys::lifecycle(scan_id));
        let mut phases: Vec<(String, String)> = ::redis::cmd("HGETALL").arg(key).query_async(&mut self.connection.clone()).await?;
        phases.sort();
        Ok(phases)
    }

    pub(crate) async fn latest_lifecycle(&self) -> Result<Option<String>, StoreError> {
        let key = self.named(keys::LIFECYCLE_INDEX);
        let latest: Vec<String> = ::redis::cmd("ZREVRANGE").arg(key).arg(0).arg(0).query_async(&mut self.connection.clone()).await?;
        Ok(latest.into_iter().next())
    }

    async fn run(&self, mode: &str, put: &Put, writes: &[Write], reveal: Option<Reveal<'_>>) -> Result<(String, String), StoreError> {
        let mut command = ::redis::cmd("EVAL");
        command.arg(SCRIPT).arg(0).arg(mode).arg(self.named(&put.key)).arg(&put.value).arg(millis(put.ttl));
        command.arg(self.named(keys::LIFECYCLE_INDEX));
        for write in writes {
            self.add(&mut command, write);
        }
        let answer: (String, String) = command.query_async(&mut self.connection.clone()).await?;
        if answer.0 == "written" {
            // The write became visible between its execution there and this acknowledgement.
            Reveal::now(reveal);
        }
        Ok(answer)
    }

    fn add(&self, command: &mut Cmd, write: &Write) {
        match write {
            Write::Set { key, value, ttl } => command.arg("set").arg(self.named(key)).arg(value).arg("").arg("").arg(millis(*ttl)).arg(""),
            Write::Delete { key } => command.arg("delete").arg(self.named(key)).arg("").arg("").arg("").arg("").arg(""),
            Write::DeleteIf { key, value } => command.arg("delete-if").arg(self.named(key)).arg(value).arg("").arg("").arg("").arg(""),
            Write::Phase { scan_id, phase, value, at, ttl } => {
                let key = self.named(&keys::lifecycle(scan_id));
                command.arg("phase").arg(key).arg(phase).arg(value).arg(*at).arg(millis(*ttl)).arg(scan_id)
            }
        };
    }

    fn named(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// Redis refuses a lifetime of zero.
fn millis(ttl: Duration) -> u64 {
    (ttl.as_millis() as u64).max(1)
}
