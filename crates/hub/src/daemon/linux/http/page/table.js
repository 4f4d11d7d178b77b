// The table of machines: filtered, sorted, and drawn as far as it is in sight, so that thousands of rows stay usable.

const WORST_FIRST = ['down', 'silent', 'unserved', 'opening', 'up'];
const AROUND = 12;
const names = new Intl.Collator('en', { numeric: true });

const figure = (row, name) => row.figures ? row.figures[name] : undefined;
const system = row => clean(row.agent && row.agent.os, 60);
const failed = row => figure(row, 'failed_services') || 0;

// What each column is called, shows and sorts by. `most` sorts the largest first at the first click.
const COLUMNS = [
  { key: 'state', title: 'State', text: row => row.state, value: row => WORST_FIRST.indexOf(row.state) },
  { key: 'name', title: 'Name', text: row => clean(row.name), value: row => row.rank },
  { key: 'address', title: 'Address', text: row => clean(figure(row, 'address'), 45) || NOTHING },
  { key: 'os', title: 'System', text: row => system(row) || NOTHING },
  { key: 'cpu', title: 'CPU', text: row => percent(figure(row, 'cpu')), value: row => figure(row, 'cpu'), most: true,
    share: row => figure(row, 'cpu') },
  { key: 'memory', title: 'Memory', text: row => percent(figure(row, 'memory')), value: row => figure(row, 'memory'),
    most: true, share: row => figure(row, 'memory') },
  { key: 'load', title: 'Load', text: row => decimal((figure(row, 'load') || [])[0]),
    value: row => (figure(row, 'load') || [])[0], most: true },
  { key: 'disk', title: 'Disk', hint: 'the fullest disk', most: true, value: row => figure(row, 'fullest') ? figure(row, 'disk') : null,
    text: row => {
      const mounted = figure(row, 'fullest');
      return mounted ? `${percent(figure(row, 'disk'))} ${clean(mounted, 60)}` : NOTHING;
    },
    share: row => figure(row, 'disk') },
  { key: 'age', title: 'Heard', text: row => isNumber(row.heard_ms) ? `${span(hubTime() - row.heard_ms)} ago` : 'never',
    value: row => isNumber(row.heard_ms) ? -row.heard_ms : null, most: true },
  { key: 'failure', title: 'Last failure', most: true, value: row => row.failure ? row.failure.time_ms : null,
    text: row => row.failure ? `${span(hubTime() - row.failure.time_ms)} ago: ${clean(row.failure.text)}` : NOTHING },
];
const FIGURES = ['cpu', 'memory', 'load', 'disk', 'age'];

const table = { rows: new Map(), shown: [], drawn: new Map(), sort: 'name', down: false, filter: '', cursor: null,
  height: 34, due: false, ranked: true, heard: false };

// The hub's clock, by what it said last: ages are its, whatever the clock of this computer says.
let clockOffset = 0;
const hubTime = () => Date.now() + clockOffset;

function take(row) {
  const before = table.rows.get(row.name);
  if (!before) table.ranked = false;
  row.rank = before ? before.rank : 0;
  row.words = [row.name, row.state, row.reason, figure(row, 'address'), figure(row, 'hostname'), system(row),
    row.failure && row.failure.text, failed(row) ? 'failed' : ''].join(' ').toLowerCase();
  table.rows.set(row.name, row);
}

function rank() {
  const sorted = [...table.rows.values()].sort((a, b) => names.compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
  sorted.forEach((row, at) => { row.rank = at; });
  table.ranked = true;
}

function compare(a, b, column, turn) {
  const value = column.value || column.text;
  const [x, y] = [value(a), value(b)];
  const nothing = other => other === null || other === undefined || other === NOTHING;
  if (nothing(x) || nothing(y)) return nothing(x) - nothing(y);
  return turn * (typeof x === 'string' ? names.compare(x, y) : x - y);
}

function choose() {
  if (!table.ranked) rank();
  const words = table.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = row => words.every(word => row.words.includes(word));
  const column = COLUMNS.find(one => one.key === table.sort);
  const turn = table.down ? -1 : 1;
  table.shown = [...table.rows.values()].filter(fits);
  table.shown.sort((a, b) => compare(a, b, column, turn) || a.rank - b.rank);
}

function headings() {
  for (const column of COLUMNS) {
    const button = element('button', { type: 'button', title: column.hint }, column.title);
    button.addEventListener('click', () => {
      table.down = table.sort === column.key ? !table.down : Boolean(column.most);
      table.sort = column.key;
      draw();
    });
    const classes = `c-${column.key}${FIGURES.includes(column.key) ? ' figure' : ''}`;
    byId('heads').append(element('th', { scope: 'col', class: classes, 'data-key': column.key }, button));
  }
}

function newRow(row) {
  const opens = element('a', { href: link(row.name), tabindex: '-1' });
  const cells = COLUMNS.map(column => {
    const kind = column.key === 'name' ? 'th' : 'td';
    const classes = `c-${column.key}${FIGURES.includes(column.key) ? ' figure' : ''}`;
    return element(kind, { class: classes, scope: kind === 'th' ? 'row' : null }, column.key === 'name' ? opens : '');
  });
  const node = element('tr', {}, ...cells);
  node.machine = row.name;
  return { node, cells, opens };
}

function fill(drawn, row, index) {
  COLUMNS.forEach((column, at) => {
    const cell = drawn.cells[at];
    const text = column.text(row);
    setText(column.key === 'name' ? drawn.opens : cell, text);
    if (column.share) {
      setData(cell, 'level', level(column.share(row)));
      const share = String(Math.round((column.share(row) || 0) * 100));
      if (cell.style.getPropertyValue('--share') !== share) cell.style.setProperty('--share', share);
    }
    if (column.key === 'failure' || column.key === 'os') cell.title = text;
  });
  setData(drawn.node, 'state', row.state);
  setData(drawn.node, 'open', String(row.name === detail.name));
  drawn.node.setAttribute('aria-rowindex', String(index + 2));
}

function space(rows) {
  const cell = element('td');
  cell.style.height = `${rows * table.height}px`;
  return element('tr', { class: 'space', 'aria-hidden': 'true' }, cell);
}

// Draws what is in sight. Rows that stay are left where they are, so that the focus does, too.
function drawRows() {
  const body = byId('rows');
  const above = Math.max(0, -body.getBoundingClientRect().top);
  const first = Math.max(0, Math.min(Math.floor(above / table.height), table.shown.length) - AROUND);
  const last = Math.min(table.shown.length, first + Math.ceil(window.innerHeight / table.height) + 2 * AROUND);
  const focused = body.contains(document.activeElement) ? document.activeElement.closest('tr').machine : null;
  const drawn = new Map();
  const nodes = [space(first)];
  for (let at = first; at < last; at += 1) {
    const row = table.shown[at];
    const one = table.drawn.get(row.name) || newRow(row);
    fill(one, row, at);
    drawn.set(row.name, one);
    nodes.push(one.node);
  }
  nodes.push(space(table.shown.length - last));
  arrange(body, nodes);
  table.drawn = drawn;
  const stop = drawn.has(table.cursor) ? table.cursor : (table.shown[first] || {}).name;
  for (const [name, one] of drawn) one.opens.tabIndex = name === stop ? 0 : -1;
  if (focused && drawn.has(focused) && !body.contains(document.activeElement)) {
    drawn.get(focused).opens.focus({ preventScroll: true });
  }
}

function arrange(body, nodes) {
  const kept = new Set(nodes);
  for (const old of [...body.children]) if (!kept.has(old)) old.remove();
  nodes.forEach((node, at) => {
    if (body.children[at] !== node) body.insertBefore(node, body.children[at] || null);
  });
}

function draw() {
  choose();
  for (const head of byId('heads').children) {
    const sorted = head.dataset.key === table.sort;
    head.setAttribute('aria-sort', sorted ? (table.down ? 'descending' : 'ascending') : 'none');
  }
  byId('table').setAttribute('aria-rowcount', String(table.shown.length + 1));
  byId('none').hidden = table.shown.length > 0;
  const why = table.rows.size ? 'No machine fits the filter.' : 'This hub knows no machine yet.';
  setText(byId('none'), table.heard ? why : 'Waiting for the hub.');
  drawRows();
  summarise();
}

// Draws soon: once for all that changed until then.
function drawSoon() {
  if (table.due) return;
  table.due = true;
  requestAnimationFrame(() => {
    table.due = false;
    draw();
  });
}

function summarise() {
  if (!table.heard) return;
  const rows = [...table.rows.values()];
  const parts = [plural(rows.length, 'machine')];
  for (const state of [...WORST_FIRST].reverse()) {
    const count = rows.filter(row => row.state === state).length;
    if (count) parts.push(`${count.toLocaleString('en')} ${state}`);
  }
  const ill = rows.filter(row => failed(row) > 0).length;
  if (ill) parts.push(`${ill.toLocaleString('en')} with failed services`);
  const filling = rows.filter(row => figure(row, 'fullest') && figure(row, 'disk') >= 0.9).length;
  if (filling) parts.push(`${filling.toLocaleString('en')} with a disk 90 % full`);
  if (table.filter.trim()) parts.push(`${table.shown.length.toLocaleString('en')} shown`);
  setText(byId('summary'), rows.length ? parts.join(' · ') : 'no machines');
  const up = rows.filter(row => row.state === 'up').length;
  document.title = `${up} of ${rows.length} up – infinihub`;
}

// Moves the focus to a machine, and the machine into sight.
function goTo(index) {
  const at = Math.max(0, Math.min(index, table.shown.length - 1));
  const row = table.shown[at];
  if (!row) return;
  table.cursor = row.name;
  const body = byId('rows').getBoundingClientRect();
  const head = byId('heads').getBoundingClientRect().height;
  const top = body.top + at * table.height;
  if (top < head) window.scrollBy(0, top - head);
  if (top + table.height > window.innerHeight) window.scrollBy(0, top + table.height - window.innerHeight);
  drawRows();
  const drawn = table.drawn.get(row.name);
  if (drawn) drawn.opens.focus({ preventScroll: true });
}

function onKey(event) {
  const row = event.target.closest('tr');
  const at = table.shown.findIndex(one => one.name === (row && row.machine));
  const page = Math.max(1, Math.floor(window.innerHeight / table.height) - 3);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0,
    End: table.shown.length - 1 };
  if (at < 0 || !(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  goTo(moves[event.key]);
}
