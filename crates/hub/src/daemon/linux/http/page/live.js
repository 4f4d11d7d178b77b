// Follows the hub: by server-sent events, and where these do not come, by asking.

const ASK_EVERY = 5000;
const live = { stream: null, timer: null };

function tell(state, words) {
  setData(byId('status'), 'state', state);
  setText(byId('status'), words);
}

function follow() {
  clearTimeout(live.timer);
  if (live.stream) live.stream.close();
  if (!window.EventSource) return poll();
  live.stream = new EventSource('/v1/vms');
  live.stream.addEventListener('vms', event => {
    tell('live', 'live');
    clearTimeout(live.timer);
    apply(JSON.parse(event.data));
  });
  live.stream.addEventListener('error', () => {
    tell('lost', `no connection to the hub since ${clock(Date.now())}; trying again`);
    // The browser tries again by itself, unless the answer was none that it can follow.
    if (live.stream && live.stream.readyState === EventSource.CLOSED) poll();
  });
  return undefined;
}

function rest() {
  clearTimeout(live.timer);
  if (live.stream) live.stream.close();
  live.stream = null;
}

async function poll() {
  clearTimeout(live.timer);
  try {
    const vms = await ask('/v1/vms');
    tell('asked', `asked every ${ASK_EVERY / 1000} s`);
    const events = await ask('/v1/events?after=9007199254740991');
    apply({ whole: true, vms, gone: [], now_ms: Date.now() + clockOffset, last_seq: events ? events.last_seq : 0 });
  } catch (error) {
    tell('lost', 'the hub does not answer; trying again');
  }
  live.timer = setTimeout(poll, ASK_EVERY);
}

// Takes over what has changed.
function apply(message) {
  clockOffset = message.now_ms - Date.now();
  if (message.whole) {
    const before = table.rows;
    table.rows = new Map();
    table.ranked = false;
    for (const row of message.vms) if (before.has(row.name)) table.rows.set(row.name, before.get(row.name));
  }
  for (const row of message.vms) take(row);
  for (const name of message.gone) table.rows.delete(name);
  table.heard = true;
  drawSoon();
  askEvents(message.last_seq);
  if (detail.name !== null && message.vms.some(row => row.name === detail.name)) askDetail();
}
