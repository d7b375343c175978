//! The feed of changes: a stream.

use oauthctl_core::Result;
use redis::Value;
use redis::streams::StreamReadReply;

use super::super::record::{Change, Changes, Key, Space};
use super::connect::Connection;
use super::scripts;
use super::values::PREFIX;

/// How long a caller waits for a change, in milliseconds.
const PATIENCE: u32 = 400;

/// Maximum number of changes that are returned at once.
const AT_ONCE: usize = 10_000;

/// Returns the changes after a position: `EPOCH/ID`. The epoch is lost together with the data, so a server
/// that lost its data does not look like one where nothing happened.
pub(super) async fn changes(connection: &Connection, after: Option<&str>) -> Result<Changes> {
    let mut call = scripts::FEED.key(PREFIX);
    call.arg(PREFIX).arg(new_epoch());
    let (epoch, swept, last): (String, String, String) = connection.call(&call).await?;
    let position = format!("{epoch}/{last}");
    let Some(after) = after else {
        return Ok(Changes { position, changed: Vec::new(), is_incomplete: false });
    };
    let known = after.split_once('/').filter(|(of, _)| *of == epoch).map(|(_, id)| id);
    let is_between = |id: &&str| parts(&swept) <= parts(id) && parts(id) <= parts(&last);
    let Some(from) = known.filter(is_between) else {
        return Ok(Changes { position, changed: Vec::new(), is_incomplete: true });
    };
    let mut read = redis::cmd("XREAD");
    read.arg("COUNT").arg(AT_ONCE).arg("BLOCK").arg(PATIENCE);
    read.arg("STREAMS").arg(format!("{PREFIX}changes")).arg(from);
    let reply: Option<StreamReadReply> = connection.query(&read).await?;
    let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
    let (mut position, mut changed) = (from.to_owned(), Vec::new());
    for entry in entries {
        changed.extend(change(&entry.map));
        position = entry.id;
    }
    Ok(Changes { position: format!("{epoch}/{position}"), changed, is_incomplete: false })
}

fn change(fields: &std::collections::HashMap<String, Value>) -> Option<Change> {
    let text = |name: &str| redis::from_redis_value_ref::<String>(fields.get(name)?).ok();
    let space = Space::of_number(text("s")?.parse().ok()?)?;
    Some(Change { key: Key { space, tenant: text("t")?, id: text("i")? } })
}

/// The two numbers of an id.
fn parts(id: &str) -> (u64, u64) {
    let (time, count) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or_default(), count.parse().unwrap_or_default())
}

fn new_epoch() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers, the time is used: an epoch need not be secret.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return crate::clock::now_millis().to_string();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
