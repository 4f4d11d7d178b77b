// One machine: what the table leaves out.

const detail = { name: null, asked: 0, asking: null, from: null, opened: 0 };
const DETAIL_EVERY = 3000;
const MOST_PROCESSES = 10;

function openDetail(name) {
  if (detail.name === name) return;
  if (detail.name === null) detail.from = document.activeElement;
  Object.assign(detail, { name, asked: 0 });
  table.cursor = name;
  setText(byId('detail-name'), clean(name));
  byId('detail-body').replaceChildren(element('p', { class: 'quiet' }, 'asking the hub'));
  byId('detail').hidden = false;
  byId('detail').scrollTop = 0;
  byId('columns').classList.add('two');
  cover();
  byId('detail-name').focus({ preventScroll: true });
  drawSoon();
  askDetail();
}

function closeDetail() {
  if (detail.name === null) return;
  const name = detail.name;
  if (detail.asking) detail.asking.abort();
  Object.assign(detail, { name: null, asking: null });
  byId('detail').hidden = true;
  byId('columns').classList.remove('two');
  cover();
  draw();
  const at = table.shown.findIndex(row => row.name === name);
  if (!byId('machines').hidden && at >= 0) goTo(at);
  else if (detail.from && detail.from.isConnected) detail.from.focus();
}

// Where it lies over the table, the table is out of reach meanwhile.
const narrow = window.matchMedia('(max-width: 1099px)');
function cover() {
  byId('main').inert = narrow.matches && detail.name !== null;
}

// Asks again, if it was not asked just now.
async function askDetail() {
  const name = detail.name;
  if (name === null || detail.asking || Date.now() - detail.asked < DETAIL_EVERY) return;
  detail.asking = new AbortController();
  detail.asked = Date.now();
  const { signal } = detail.asking;
  const base = `/v1/vms/${encodeURIComponent(name)}`;
  try {
    const [machine, processes] = await Promise.all([ask(base, signal), ask(`${base}/lists/processes`, signal)]);
    if (detail.name === name) showDetail(machine, processes || []);
  } catch (error) {
    if (detail.name === name && !signal.aborted) setText(byId('status'), 'the hub does not answer');
  } finally {
    if (detail.asking && detail.asking.signal === signal) detail.asking = null;
    if (detail.name !== null && detail.name !== name) askDetail();
  }
}

// A document of the hub's; `null` where there is none.
async function ask(path, signal) {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

function showDetail(machine, processes) {
  const body = byId('detail-body');
  if (machine === null) {
    body.replaceChildren(element('p', {}, 'This hub does not know this machine any more.'));
    return;
  }
  const parts = [state(machine), charts(machine), services(machine), facts(machine), disks(machine), busiest(processes),
    eventsOf(machine.name)];
  body.replaceChildren(...parts.filter(part => part !== null));
}

function state(machine) {
  const words = [machine.state];
  if (isNumber(machine.heard_ms)) words.push(`heard ${span(hubTime() - machine.heard_ms)} ago`);
  if (machine.reason) words.push(clean(machine.reason, 300));
  return element('p', { class: 'state', 'data-state': machine.state }, words.join(' · '));
}

function facts(machine) {
  const [figures, agent, hello] = [machine.figures || {}, machine.agent || {}, machine.system || {}];
  const host = hello.host || {};
  const memory = hello.memory || {};
  const pairs = [
    ['Address', figures.address],
    ['Host name', figures.hostname],
    ['System', agent.os],
    ['Kernel', host.kernel_version],
    ['Up for', isNumber(figures.uptime_seconds) ? span(figures.uptime_seconds * 1000) : ''],
    ['Memory', memory.total_kb ? size(memory.total_kb) : ''],
    ['Tags', Object.entries(machine.tags || {}).map(([name, value]) => `${name}=${value}`).join(', ')],
    ['Agent', [agent.version, agent.platform].filter(Boolean).join(', ')],
    ['Round trip', isNumber(machine.round_trip_us) ? `${(machine.round_trip_us / 1000).toFixed(1)} ms` : ''],
    ['Commands', commands(machine)],
    ['Broken lines', machine.malformed_lines ? `${machine.malformed_lines} of ${machine.lines}` : ''],
    ['Socket', machine.path],
  ];
  const shown = pairs.filter(([, value]) => value);
  return element('dl', {}, ...shown.flatMap(([name, value]) =>
    [element('dt', {}, name), element('dd', {}, clean(value, 300))]));
}

function commands(machine) {
  const { in_flight: running, waiting } = machine;
  return running || waiting ? `${running} running, ${waiting} waiting` : '';
}

function services(machine) {
  const broken = machine.failed_services || [];
  if (!broken.length) return null;
  return element('div', { class: 'broken' }, element('h3', {}, plural(broken.length, 'failed service')),
    element('ul', {}, ...broken.map(name => element('li', {}, clean(name)))));
}

function disks(machine) {
  const usage = (((machine.system || {}).disk || {}).usage_stats || []).slice(0, 16);
  if (!usage.length) return null;
  const rows = usage.map(disk => {
    const ratio = disk.used_gb / (disk.used_gb + disk.available_gb);
    const full = element('span', { 'data-level': level(ratio) }, percent(ratio));
    return [clean(disk.mount_point), full, `${decimal(disk.available_gb)} GiB`];
  });
  return small('File systems', ['Mounted at', '>Used', '>Free'], rows);
}

function busiest(processes) {
  if (!processes.length) return null;
  const by = (a, b) => b.cpu_percent - a.cpu_percent || b.memory_kb - a.memory_kb;
  const rows = [...processes].sort(by).slice(0, MOST_PROCESSES).map(one =>
    [String(one.pid), clean(one.name, 60), clean(one.user, 30), `${decimal(one.cpu_percent)} %`, size(one.memory_kb)]);
  return small('Busiest processes', ['>Id', 'Name', 'User', '>CPU', '>Memory'], rows);
}
